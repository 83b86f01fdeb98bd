import type { HttpClient } from '../http/index.js';
import {
  checksumMismatch,
  type DownloadOptions,
  type DownloadSink,
  type DownloadSource,
  download,
  downloadTimeoutMs,
} from '../http/index.js';
import type { DataManifest } from './manifest.js';

/** Takes the pieces of a download in order, never more bytes than the manifest announces. */
export interface ByteSink extends DownloadSink {
  /** BLAKE2b-256 of everything written since the beginning, hex. */
  checksum(): Promise<string> | string;
}

/** How a manifest's bytes are fetched. */
export interface ManifestDownloadOptions
  extends Pick<
    DownloadOptions,
    'minThroughput' | 'maxInterruptions' | 'onProgress' | 'signal' | 'stallMs' | 'startAt'
  > {
  /** Where the bytes may be as well, such as the proxies of the fullnodes: tried after the manifest's own address. */
  readonly fallbacks?: readonly DownloadSource[] | undefined;
}

/** Short at first: a race is on while weights are fetched. */
const BACKOFF = { baseMs: 100, maxMs: 2_000 };

/**
 * Streams a manifest's bytes into `sink` and verifies them there, from its own address or another.
 *
 * @throws QuarryError as `download` of the HTTP room
 */
export async function downloadManifest(
  manifest: DataManifest,
  http: HttpClient,
  sink: ByteSink,
  { fallbacks = [], ...options }: ManifestDownloadOptions = {},
): Promise<void> {
  // A proxy fetches all of it before it answers; whatever else is silent is left sooner.
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
