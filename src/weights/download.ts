import type { HttpClient } from '../net/index.js';
import {
  checksumMismatch,
  type DownloadOptions,
  type DownloadSink,
  type DownloadSource,
  download,
  downloadTimeoutMs,
} from '../net/index.js';
import type { DataManifest } from './manifest.js';

/** Receives a download's pieces in order, never more bytes than the manifest declares. */
export interface ByteSink extends DownloadSink {
  /** BLAKE2b-256 of everything written so far, hex. */
  checksum(): Promise<string> | string;
}

/** Options of {@link downloadManifest}. */
export interface ManifestDownloadOptions
  extends Pick<
    DownloadOptions,
    'minThroughput' | 'maxInterruptions' | 'onProgress' | 'signal' | 'stallMs' | 'startAt'
  > {
  /** Alternative sources, such as the fullnodes' proxies; tried after the manifest's own URL. */
  readonly fallbacks?: readonly DownloadSource[] | undefined;
}

/** Starts short: targets are lost while weights are downloading. */
const BACKOFF = { baseMs: 100, maxMs: 2_000 };

/**
 * Downloads a manifest's bytes into `sink` and verifies them, from its own URL or a fallback.
 *
 * @throws QuarryError as `download` in `src/net`
 */
export async function downloadManifest(
  manifest: DataManifest,
  http: HttpClient,
  sink: ByteSink,
  { fallbacks = [], ...options }: ManifestDownloadOptions = {},
): Promise<void> {
  // A proxy downloads the whole file before it answers, so fallbacks get a longer timeout.
  const timeoutMs = downloadTimeoutMs(manifest.sizeBytes);
  const patient = fallbacks.map((source) => ({ ...source, timeoutMs: source.timeoutMs ?? timeoutMs }));
  await download([{ http, url: manifest.url }, ...patient], sink, {
    ...options,
    backoff: BACKOFF,
    sizeBytes: manifest.sizeBytes,
    verify: async (where) => {
      const got = await sink.checksum();
      if (got !== manifest.checksum) throw checksumMismatch(where, manifest.checksum, got);
    },
  });
}
