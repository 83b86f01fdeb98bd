import { setTimeout as pause } from 'node:timers/promises';

/** How a condition is waited for. */
export interface UntilOptions {
  /** The wait fails after this many milliseconds. A guard against hangs, so generous. Default 60,000. */
  readonly deadlineMs?: number;
  /** Between two looks, milliseconds. Default 10. */
  readonly everyMs?: number;
}

/**
 * Waits until a condition holds, looking again and again: how tests wait for what no event tells. Those that sleep because
 * silence is what they test are counted in `scripts/check-tests.mjs`.
 *
 * @param what for the error
 * @returns what the condition returned
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  { deadlineMs = 60_000, everyMs = 10 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await pause(everyMs);
  }
}
