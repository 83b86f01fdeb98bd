import { QuarryError } from '../errors/index.js';

/** How fast bytes must come, on average over a window of waiting for them. */
export interface MinThroughput {
  readonly bytesPerSecond: number;
  /** Milliseconds spent waiting; time that the reader takes for itself does not count. */
  readonly windowMs: number;
}

/**
 * For weights and submissions: 5 GB at this rate take over three days, and the network's own validators give a file of
 * that size 280 s (SOMA protocol, download timeout: 30 s and 50 ns a byte).
 */
export const MIN_DOWNLOAD_THROUGHPUT: MinThroughput = { bytesPerSecond: 16 * 1024, windowMs: 30_000 };

/**
 * For answers read into memory, the largest of which is 64 MiB: a page that comes slower than a modem's line is given
 * up after half a minute of waiting.
 */
export const MIN_BODY_THROUGHPUT: MinThroughput = { bytesPerSecond: 1024, windowMs: 30_000 };

/** A body that is silent for longer is asked for elsewhere: lost packets do not explain it. */
export const DOWNLOAD_STALL_MS = 10_000;

/**
 * Passes pieces on as they come, and ends when they come too slowly: a sender that drips one byte just before every
 * timeout would block its reader forever.
 *
 * @param what named in the error, such as a redacted URL
 * @param now monotonic milliseconds
 * @throws QuarryError `TIMEOUT` when a whole window brought fewer bytes than the rate asks for
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
