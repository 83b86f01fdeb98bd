import type { Sleep } from '../../net/index.js';
import { hasReason } from '../errors.js';

/** Options of polling. */
export interface PollOptions {
  /** Interval between two polls. Default 60 s. */
  readonly intervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies of {@link poll}. */
export interface PollDeps {
  readonly sleep: Sleep;
  readonly random: () => number;
}

/** This many polls in a row have failed. Reported at the first failure and again each time the number has doubled. */
export interface DegradedEvent {
  readonly event: 'degraded';
  readonly failures: number;
  readonly reason: string;
}

/** Yields the results of each poll until the signal fires. Failures are retried with growing delays. */
export async function* poll<T>(
  look: () => Promise<readonly T[]>,
  options: PollOptions,
  deps: PollDeps,
): AsyncGenerator<T | DegradedEvent, void, undefined> {
  const { signal } = options;
  const intervalMs = options.intervalMs ?? 60_000;
  let failures = 0;
  while (!signal?.aborted) {
    try {
      const found = await look();
      failures = 0;
      yield* found;
    } catch (error) {
      if (signal?.aborted) return;
      // Waiting does not fix a refused key.
      if (hasReason(error, 'FLOCK_AUTH', 'FLOCK_CONFIG', 'FLOCK_VALIDATION')) throw error;
      failures++;
      if ((failures & (failures - 1)) === 0) {
        yield { event: 'degraded', failures, reason: error instanceof Error ? error.message : String(error) };
      }
    }
    const pause = Math.min(Math.max(900_000, intervalMs), intervalMs * 2 ** Math.min(failures, 10));
    try {
      await deps.sleep(pause * (0.95 + 0.1 * deps.random()), signal);
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
  }
}
