import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { type HttpClient, redactUrl, sleep } from '../net/index.js';
import type { DataManifest } from './manifest.js';

/** Receives verified-length pieces of a download, in order. */
export type ByteSink = (bytes: Uint8Array) => Promise<void> | void;

export interface DownloadOptions {
  /** Addresses tried after the manifest's own, such as the fullnode's proxy route. */
  readonly fallbackUrls?: readonly string[];
  /** Bytes already received and handed to the sink by an earlier attempt. */
  readonly startAt?: number;
  /** Interruptions survived per address before the next is tried. Default 4. */
  readonly maxInterruptions?: number;
  /** Bytes received so far, the earlier attempt's included. */
  readonly onProgress?: (receivedBytes: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Streams a manifest's bytes into `sink`, continuing with `Range` requests after an interruption, and from the next
 * address when one keeps failing. Never hands over more bytes than the manifest announces. The checksum is the
 * caller's to compute, in the sink.
 *
 * @throws QuarryError `SIZE_MISMATCH` when every address serves fewer or more bytes than announced
 * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `NOT_FOUND` … when the last address fails so
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function download(
  manifest: DataManifest,
  http: HttpClient,
  sink: ByteSink,
  options: DownloadOptions = {},
): Promise<void> {
  let received = options.startAt ?? 0;
  if (received === manifest.sizeBytes) return;
  let failure: QuarryError | undefined;
  for (const url of [manifest.url, ...(options.fallbackUrls ?? [])]) {
    for (let interruptions = 0; interruptions <= (options.maxInterruptions ?? 4); interruptions++) {
      throwIfAborted(options.signal, 'the download');
      const before = received;
      try {
        for await (const piece of readFrom(url, received, manifest, http, options.signal)) {
          await sink(piece);
          received += piece.byteLength;
          options.onProgress?.(received);
        }
        if (received === manifest.sizeBytes) return;
        throw sizeMismatch(url, received, manifest.sizeBytes);
      } catch (error) {
        failure = toQuarryError(error, `downloading ${redactUrl(url)}`);
        if (failure.code === 'ABORTED' || failure.code === 'DISK_FULL') throw failure;
        // An address that says no, or serves something else, will do so again.
        if (!failure.retryable || (failure.code === 'SIZE_MISMATCH' && received === before)) break;
        await sleep(Math.min(2_000, 100 * 2 ** interruptions), options.signal);
      }
    }
  }
  throw failure ?? sizeMismatch(manifest.url, received, manifest.sizeBytes);
}

async function* readFrom(
  url: string,
  offset: number,
  manifest: DataManifest,
  http: HttpClient,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const response = await http.request({
    url,
    retry: { attempts: 1 },
    headers: { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) },
    ...(signal !== undefined && { signal }),
  });
  // A server that ignores Range starts over: what we have is skipped, not written twice.
  let skip = response.status === 206 ? 0 : offset;
  let position = offset - skip;
  try {
    if (response.status === 206) assertRangeStart(response.headers['content-range'], offset, url);
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      position += chunk.byteLength;
      if (position > manifest.sizeBytes) throw sizeMismatch(url, position, manifest.sizeBytes);
      if (skip >= chunk.byteLength) {
        skip -= chunk.byteLength;
        continue;
      }
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  } finally {
    await response.discard();
  }
}

function assertRangeStart(contentRange: string | undefined, offset: number, url: string): void {
  const start = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1];
  if (start !== String(offset)) {
    throw new QuarryError('PROTOCOL', `${redactUrl(url)} answered another range than was asked for`, {
      facts: { asked: offset, contentRange: contentRange ?? '' },
    });
  }
}

function sizeMismatch(url: string, received: number, expected: number): QuarryError {
  const word = received > expected ? 'more than' : 'only';
  const count = Math.min(received, expected);
  return new QuarryError('SIZE_MISMATCH', `${redactUrl(url)} served ${word} ${count} of ${expected} announced bytes`, {
    hint: 'the file behind the link is not the one on chain, or the transfer was cut short',
    facts: { received, expected },
    retryable: received < expected,
  });
}
