import { QuarryError } from '../errors/index.js';

/** Minimum transfer rate, averaged over a window of waiting time. */
export interface MinThroughput {
  readonly bytesPerSecond: number;
  /** Milliseconds spent waiting for bytes; the reader's own processing time does not count. */
  readonly windowMs: number;
}

/**
 * For weights and submissions. At this rate 5 GB take over three days, far longer than the 280 s validators allow for
 * that size (SOMA protocol, download timeout: 30 s plus 50 ns per byte).
 */
export const MIN_DOWNLOAD_THROUGHPUT: MinThroughput = { bytesPerSecond: 16 * 1024, windowMs: 30_000 };

/** For responses read into memory (at most 64 MiB): fails after half a minute below modem speed. */
export const MIN_BODY_THROUGHPUT: MinThroughput = { bytesPerSecond: 1024, windowMs: 30_000 };

/** A body silent for longer is requested from elsewhere: packet loss does not explain it. */
export const DOWNLOAD_STALL_MS = 10_000;

/**
 * Passes chunks through and fails if they arrive too slowly. Without it, a sender that drips one byte just before every
 * timeout could block its reader forever.
 *
 * @param what named in the error, such as a redacted URL
 * @param now monotonic milliseconds
 * @throws QuarryError `TIMEOUT` when a whole window brought fewer bytes than the minimum rate
 */
export async function* atLeast(
  pieces: AsyncIterable<Uint8Array>,
  rate: MinThroughput,
  what: string,
  now: () => number = () => performance.now(),
): AsyncGenerator<Uint8Array, void, void> {
  let waitedMs = 0;
  let bytes = 0;
  let since = now();
  for await (const piece of pieces) {
    waitedMs += now() - since;
    bytes += piece.byteLength;
    if (waitedMs >= rate.windowMs) {
      const bytesPerSecond = Math.floor((bytes * 1000) / waitedMs);
      if (bytesPerSecond < rate.bytesPerSecond) throw tooSlow(what, bytesPerSecond, rate);
      waitedMs = 0;
      bytes = 0;
    }
    yield piece;
    since = now();
  }
}

function tooSlow(what: string, bytesPerSecond: number, rate: MinThroughput): QuarryError {
  return new QuarryError('TIMEOUT', `${what} sends ${bytesPerSecond} bytes a second, which is too slow`, {
    hint: `less than ${rate.bytesPerSecond} bytes a second over ${rate.windowMs / 1000} s; try another address, or later`,
    details: { bytesPerSecond, leastBytesPerSecond: rate.bytesPerSecond, windowMs: rate.windowMs },
  });
}
