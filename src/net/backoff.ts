/** Exponential backoff: the delay before attempt n is up to `baseMs * 2^n`, at most `maxMs`; half of it is jitter. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Short enough for a dropped connection, long enough for a server that is restarting. */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 200, maxMs: 10_000 };

/**
 * Delay before retry number `attempt` (0 for the first), in milliseconds. Half of it is fixed and half random, so that
 * clients that failed together do not retry together.
 *
 * @param random returns numbers in [0, 1)
 */
export function backoffDelayMs(attempt: number, backoff: Backoff, random: () => number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
