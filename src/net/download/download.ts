import { type QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { type Backoff, DEFAULT_BACKOFF } from '../backoff.js';
import { childSignal } from '../child-signal.js';
import { HttpStatusError } from '../http-error.js';
import { redactUrl } from '../redact.js';
import { type RetryDeps, retryDelayMs } from '../retry.js';
import { sleep } from '../sleep.js';
import { type Address, addressesOf } from './address.js';
import { parseContentRange } from './content-range.js';
import { keepsChanging, nothingDelivered, sizeMismatch, tookTooLong } from './failures.js';
import { type BodyLimits, openRange, type RangeAnswer } from './open-range.js';
import type { DownloadSink, DownloadSource, RenewableSource } from './source.js';

/** Options of a download. */
export interface DownloadOptions extends BodyLimits {
  /** Size of the whole file, if known in advance. Default: what the server reports. */
  readonly sizeBytes?: number | undefined;
  /**
   * Checks the complete file. Throwing `CHECKSUM_MISMATCH` moves the download to the next address. Without it, bytes of
   * an earlier run are kept only if an ETag proves that they belong to the same file.
   */
  readonly verify?: ((where: string) => Promise<void>) | undefined;
  /** Number of bytes in the sink from an earlier run. */
  readonly startAt?: number | undefined;
  /** Consecutive interruptions allowed per address before it is given up. Default 4. */
  readonly maxInterruptions?: number | undefined;
  readonly backoff?: Backoff | undefined;
  /** Time limit for the whole download. Default: none, as the minimum rate already limits it. */
  readonly totalMs?: number | undefined;
  /** Called with the number of bytes in the sink, including those of an earlier run. */
  readonly onProgress?: ((receivedBytes: number) => void) | undefined;
  /** Called with the headers of each response, before its bytes are written. */
  readonly onHead?:
    | ((head: { readonly etag?: string | undefined; readonly total?: number | undefined }) => Promise<void>)
    | undefined;
}

/** Bytes of an earlier run, whose address is unknown. */
const EARLIER = Symbol('an earlier run');
/** An address that delivered this many bytes before breaking off gets all its attempts back. */
const REAL_PROGRESS_BYTES = 64 * 1024;
/** An address whose file changes more often than this during the download is given up. */
const MOST_CHANGES = 1;

/**
 * Downloads a file into `sink`. Resumes with `Range` requests after an interruption, restarts if the file changed, and
 * moves to the next address if one refuses, stalls, is too slow or serves something else. If bytes collected from
 * several addresses turn out wrong, the last of them is asked for the whole file.
 *
 * @returns the length in bytes
 * @throws QuarryError `CHECKSUM_MISMATCH` when an address serves other bytes and none serves the right ones
 * @throws QuarryError `SIZE_MISMATCH` when an address serves fewer or more bytes and none serves the right ones
 * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `NOT_FOUND` … when the last address fails so
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function download(
  sources: readonly (DownloadSource | RenewableSource)[],
  sink: DownloadSink,
  options: DownloadOptions = {},
  deps: RetryDeps = {},
): Promise<number> {
  const { totalMs, signal } = options;
  if (totalMs === undefined) return new Download(sources, sink, options, deps).run();
  const late = AbortSignal.timeout(Math.ceil(totalMs));
  const link = childSignal(signal, late);
  try {
    return await new Download(sources, sink, { ...options, signal: link.signal }, deps).run();
  } catch (error) {
    throw late.aborted && signal?.aborted !== true ? tookTooLong(totalMs, error) : error;
  } finally {
    link.close();
  }
}

class Download {
  readonly #addresses: Address[];
  readonly #sink: DownloadSink;
  readonly #options: DownloadOptions;
  readonly #deps: RetryDeps;
  /** Addresses whose bytes are in the sink, including the earlier run. */
  readonly #suppliers = new Set<Address | typeof EARLIER>();
  readonly #failures = new Map<Address, QuarryError>();
  #received: number;
  #sinkFailed = false;

  constructor(
    sources: readonly (DownloadSource | RenewableSource)[],
    sink: DownloadSink,
    options: DownloadOptions,
    deps: RetryDeps,
  ) {
    this.#addresses = addressesOf(sources, options.maxInterruptions ?? 4);
    this.#sink = sink;
    this.#options = options;
    this.#deps = deps;
    this.#received = options.startAt ?? 0;
    if (this.#received > 0) this.#suppliers.add(EARLIER);
  }

  async run(): Promise<number> {
    for (let address = this.#addresses[0]; address !== undefined; address = this.#addresses[0]) {
      throwIfAborted(this.#options.signal, 'the download');
      const before = this.#received;
      try {
        await this.#fetchRest(address);
        await this.#options.verify?.(redactUrl(address.url));
        return this.#received;
      } catch (error) {
        await this.#afterFailure(address, error, before);
      }
    }
    throw nothingDelivered([...this.#failures.values()]);
  }

  async #fetchRest(address: Address): Promise<void> {
    if (this.#options.sizeBytes !== undefined && this.#received >= this.#options.sizeBytes) return;
    const answer = await this.#open(address);
    if (answer === 'complete') return;
    try {
      const total = this.#options.sizeBytes ?? answer.total;
      await this.#options.onHead?.({
        etag: answer.etag,
        total,
      });
      this.#options.onProgress?.(this.#received);
      await this.#take(address, answer, total);
    } finally {
      await answer.discard();
    }
  }

  /** Sends requests until a response continues or restarts what is in the sink. */
  async #open(address: Address): Promise<RangeAnswer | 'complete'> {
    for (;;) {
      if (await address.moved()) await this.#fileChanged(address);
      if (!this.#mayContinue(address)) await this.#restart();
      const offset = this.#received;
      let answer: RangeAnswer;
      try {
        const { timeoutMs = this.#options.timeoutMs } = address;
        const request = { http: address.http, url: address.url, offset, etag: address.etag };
        answer = await openRange(request, { ...this.#options, timeoutMs });
      } catch (error) {
        if (!(error instanceof HttpStatusError)) throw error;
        if (error.status === 416 && isWhole(error, offset)) {
          const { sizeBytes = offset } = this.#options;
          if (offset < sizeBytes) throw sizeMismatch(address.url, offset, sizeBytes);
          return 'complete';
        }
        if (error.status === 412 || (error.status === 416 && offset > 0)) await this.#fileChanged(address);
        else if (!address.onRefusal(error)) throw error;
        continue;
      }
      if (offset > 0 && address.isOtherVersion(answer)) {
        await this.#fileChanged(address);
        if (answer.start > 0) {
          await answer.discard();
          continue;
        }
      }
      address.learn(answer);
      return answer;
    }
  }

  /** Whether bytes of `address` may be appended to those in the sink. */
  #mayContinue(address: Address): boolean {
    return this.#received === 0 || this.#options.verify !== undefined || address.isBoundToVersion;
  }

  async #take(address: Address, answer: RangeAnswer, total: number | undefined): Promise<void> {
    // A server that ignores Range sends everything: skip the bytes already present.
    let skip = this.#received - answer.start;
    let position = answer.start;
    for await (const chunk of answer.body) {
      position += chunk.byteLength;
      if (total !== undefined && position > total) throw sizeMismatch(address.url, position, total);
      if (skip >= chunk.byteLength) {
        skip -= chunk.byteLength;
        continue;
      }
      await this.#write(address, skip > 0 ? chunk.subarray(skip) : chunk);
      skip = 0;
    }
    if (total !== undefined && this.#received !== total) throw sizeMismatch(address.url, this.#received, total);
  }

  async #write(address: Address, piece: Uint8Array): Promise<void> {
    this.#suppliers.add(address);
    this.#sinkFailed = true;
    await this.#sink.write(piece);
    this.#sinkFailed = false;
    this.#received += piece.byteLength;
    this.#options.onProgress?.(this.#received);
  }

  async #restart(): Promise<void> {
    this.#suppliers.clear();
    this.#received = 0;
    for (const address of this.#addresses) address.forgetVersion();
    await this.#sink.restart();
  }

  async #fileChanged(address: Address): Promise<void> {
    if (++address.changes > MOST_CHANGES) throw keepsChanging(address.url);
    await this.#restart();
  }

  /** Reorders the addresses after a failure and waits before the same one is retried. */
  async #afterFailure(address: Address, error: unknown, before: number): Promise<void> {
    const failure = toQuarryError(error, `downloading ${redactUrl(address.url)}`);
    if (this.#sinkFailed || failure.code === 'ABORTED' || failure.code === 'DISK_FULL') throw failure;
    this.#failures.set(address, failure);
    const addresses = this.#addresses;
    const brokeOff = failure.code !== 'TIMEOUT' && this.#received - before >= REAL_PROGRESS_BYTES;
    address.left = brokeOff ? address.patience - 1 : address.left - 1;
    const alone = this.#suppliers.size === 1 && this.#suppliers.has(address);
    if (failure.code === 'CHECKSUM_MISMATCH') {
      const others = addresses.filter((other) => other !== address && this.#suppliers.has(other));
      await this.#restart();
      // If it delivered every byte, it is wrong. Otherwise any supplier may be: move the others back and ask it for the
      // whole file.
      if (alone || address.left < 0 || address.changes > MOST_CHANGES) addresses.shift();
      else for (const other of others) addresses.push(addresses.splice(addresses.indexOf(other), 1)[0] ?? other);
      return;
    }
    const wrongSize = failure.code === 'SIZE_MISMATCH';
    if (wrongSize && !failure.retryable && this.#suppliers.has(address)) await this.#restart();
    // Retrying an address that refuses or serves something else is pointless.
    if (!failure.retryable || (wrongSize && this.#received <= before) || address.left < 0) {
      addresses.shift();
      return;
    }
    // On a timeout try the other addresses first; after a broken connection retry the same one.
    if (failure.code === 'TIMEOUT') for (const late of addresses.splice(0, 1)) addresses.push(late);
    if (addresses[0] !== address) return;
    const { backoff = DEFAULT_BACKOFF, signal } = this.#options;
    const delayMs = retryDelayMs(failure, address.patience - address.left - 1, backoff, this.#deps);
    await (this.#deps.sleep ?? sleep)(delayMs, signal);
  }
}

/** Whether this is a 416 whose total equals the bytes already received: nothing is left to send. */
function isWhole(refusal: HttpStatusError, received: number): boolean {
  return received > 0 && parseContentRange(refusal.headers['content-range'])?.total === received;
}
