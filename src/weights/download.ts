import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import {
  atLeast,
  DOWNLOAD_STALL_MS,
  type DownloadSource,
  type HttpClient,
  LEAST_DOWNLOAD_RATE,
  type MinThroughput,
  redactUrl,
  sleep,
} from '../http/index.js';
import type { DataManifest } from './manifest.js';

/** Takes the pieces of a download in order, never more bytes than the manifest announces. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void> | void;
  /** BLAKE2b-256 of everything written since the beginning, hex. */
  checksum(): Promise<string> | string;
  /** Forgets everything written: it was not what the manifest describes. */
  restart(): Promise<void> | void;
}

export interface DownloadOptions {
  /** Where the bytes may be as well, such as the proxies of the fullnodes: tried after the manifest's own address. */
  readonly fallbacks?: readonly DownloadSource[];
  /** Bytes that the sink holds from an earlier attempt. */
  readonly startAt?: number;
  /** Interruptions survived per address before it is given up. Default 4. */
  readonly maxInterruptions?: number;
  /** An address whose body falls silent for so long is left for the next one. Default {@link DOWNLOAD_STALL_MS}. */
  readonly stallMs?: number;
  /** An address that is slower is left for the next one. Default {@link LEAST_DOWNLOAD_RATE}. */
  readonly leastRate?: MinThroughput;
  /** Bytes that the sink holds, the earlier attempt's included. */
  readonly onProgress?: (receivedBytes: number) => void;
  readonly signal?: AbortSignal;
}

interface Source extends DownloadSource {
  /** Interruptions it may still have. */
  left: number;
}

/** Bytes of an earlier attempt: from whom they came is not known. */
const EARLIER = Symbol('an earlier attempt');

/**
 * Streams a manifest's bytes into `sink` and verifies them there. Continues with `Range` requests after an interruption;
 * goes to the next address when one refuses, stalls, is too slow or serves something else. When what several addresses
 * delivered together is wrong, the last of them is asked for all of it.
 *
 * @throws QuarryError `CHECKSUM_MISMATCH` when an address serves other bytes and none serves the right ones
 * @throws QuarryError `SIZE_MISMATCH` when an address serves fewer or more bytes and none serves the right ones
 * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `NOT_FOUND` … when the last address fails so
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function download(
  manifest: DataManifest,
  http: HttpClient,
  sink: ByteSink,
  options: DownloadOptions = {},
): Promise<void> {
  const left = options.maxInterruptions ?? 4;
  const sources: Source[] = [{ url: manifest.url, http }, ...(options.fallbacks ?? [])].map((at) => ({ ...at, left }));
  let received = options.startAt ?? 0;
  const suppliers = new Set<Source | typeof EARLIER>(received > 0 ? [EARLIER] : []);
  const failures = new Map<Source, QuarryError>();
  const restart = async (): Promise<void> => {
    suppliers.clear();
    received = 0;
    await sink.restart();
  };
  for (let source = sources[0]; source !== undefined; source = sources[0]) {
    throwIfAborted(options.signal, 'the download');
    const before = received;
    let sinkFailed = false;
    try {
      if (received < manifest.sizeBytes) {
        for await (const piece of readFrom(source, received, manifest, options)) {
          suppliers.add(source);
          sinkFailed = true;
          await sink.write(piece);
          sinkFailed = false;
          received += piece.byteLength;
          options.onProgress?.(received);
        }
        if (received !== manifest.sizeBytes) throw sizeMismatch(source.url, received, manifest.sizeBytes);
      }
      const got = await sink.checksum();
      if (got === manifest.checksum) return;
      throw checksumMismatch(source.url, manifest.checksum, got);
    } catch (error) {
      const failure = toQuarryError(error, `downloading ${redactUrl(source.url)}`);
      if (sinkFailed || failure.code === 'ABORTED' || failure.code === 'DISK_FULL') throw failure;
      failures.set(source, failure);
      source.left--;
      const alone = suppliers.size === 1 && suppliers.has(source);
      if (failure.code === 'CHECKSUM_MISMATCH') {
        const others = sources.filter((other) => other !== source && suppliers.has(other));
        await restart();
        // It delivered all of it, so it is the wrong one. Otherwise any of them may be, and it is asked for the whole.
        if (alone || source.left < 0) sources.shift();
        else for (const other of others) sources.push(sources.splice(sources.indexOf(other), 1)[0] ?? other);
        continue;
      }
      if (failure.code === 'SIZE_MISMATCH' && !failure.retryable && suppliers.has(source)) await restart();
      // An address that says no, or serves something else, will do so again.
      const useless = failure.code === 'SIZE_MISMATCH' && received <= before;
      if (!failure.retryable || useless || source.left < 0) {
        sources.shift();
        continue;
      }
      // One that keeps us waiting comes last; one that broke off is asked again.
      if (failure.code === 'TIMEOUT') for (const late of sources.splice(0, 1)) sources.push(late);
      if (sources[0] === source) await sleep(Math.min(2_000, 100 * 2 ** (left - source.left - 1)), options.signal);
    }
  }
  throw nothingDelivered([...failures.values()]);
}

async function* readFrom(
  { url, http }: DownloadSource,
  offset: number,
  manifest: DataManifest,
  { signal, leastRate = LEAST_DOWNLOAD_RATE, stallMs = DOWNLOAD_STALL_MS }: DownloadOptions,
): AsyncGenerator<Uint8Array> {
  const response = await http.request({
    url,
    stallMs,
    retry: { attempts: 1 },
    headers: { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) },
    ...(signal !== undefined && { signal }),
  });
  // A server that ignores Range starts over: what we have is skipped, not written twice.
  let skip = response.status === 206 ? 0 : offset;
  let position = offset - skip;
  try {
    if (response.status === 206) assertRangeStart(response.headers['content-range'], offset, url);
    for await (const chunk of atLeast(response.body, leastRate, redactUrl(url))) {
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
      details: { asked: offset, contentRange: contentRange ?? '' },
    });
  }
}

function sizeMismatch(url: string, received: number, expected: number): QuarryError {
  const word = received > expected ? 'more than' : 'only';
  const count = Math.min(received, expected);
  return new QuarryError('SIZE_MISMATCH', `${redactUrl(url)} served ${word} ${count} of ${expected} announced bytes`, {
    hint: 'the file behind the link is not the one on chain, or the transfer was cut short',
    details: { received, expected },
    retryable: received < expected,
  });
}

function checksumMismatch(url: string, expected: string, got: string): QuarryError {
  return new QuarryError('CHECKSUM_MISMATCH', `what ${redactUrl(url)} served does not match its on-chain checksum`, {
    hint: 'the host serves another file than was committed, or the transfer was damaged; nothing was kept',
    details: { expected, got },
  });
}

/** One error for all addresses: wrong content says more than a proxy that has nothing either. */
function nothingDelivered(failures: readonly QuarryError[]): QuarryError {
  const wrong = failures.find(({ code }) => code === 'CHECKSUM_MISMATCH' || code === 'SIZE_MISMATCH');
  const told = wrong ?? failures.at(-1) ?? new QuarryError('INVALID_ARGUMENT', 'there is no address to download from');
  if (failures.length < 2) return told;
  const messages = failures.map(({ message }) => message).join('; then ');
  return new QuarryError(told.code, `no address delivered the bytes: ${messages}`, {
    ...(told.hint !== undefined && { hint: told.hint }),
    details: told.details,
    retryable: failures.some(({ retryable }) => retryable),
    cause: told,
  });
}
