/** Exponential backoff: attempt n waits up to `baseMs * 2^n`, at most `maxMs`, with full jitter. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Fast enough for a dropped connection, slow enough for a server that is restarting. */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 200, maxMs: 10_000 };

/**
 * The pause before retry number `attempt` (0 for the first), in milliseconds. Half of it is fixed and half random, so
 * that clients that failed together do not return together.
 *
 * @param random a source of numbers in [0, 1)
 */
export function backoffDelayMs(attempt: number, backoff: Backoff, random: () => number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
