import { QuarryError } from '../errors/index.js';
import { type Backoff, backoffDelayMs, DEFAULT_BACKOFF } from './backoff.js';
import { LONGEST_REQUESTED_MS } from './retry-after.js';
import { type Sleep, sleep } from './sleep.js';

/** Number of attempts and the delays between them. */
export interface RetryPolicy {
  /** Total calls, including the first. 1 disables retries. */
  readonly attempts: number;
  readonly backoff?: Backoff | undefined;
}

/** A policy with delays. */
export type PacedRetryPolicy = RetryPolicy & { readonly backoff: Backoff };

export interface RetryDeps {
  /** Returns numbers in [0, 1) for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
}

export interface RetryOptions extends RetryPolicy {
  /** Whether to retry after this failure. Default: the error's own `retryable`. */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /** Called before each delay; `attempt` counts from 1. */
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Minimum delay requested by the other side, if any; at most {@link LONGEST_REQUESTED_MS}, whichever protocol it came by. */
function requestedDelayMs(error: unknown): number {
  const value = error instanceof QuarryError ? error.details['retryAfterMs'] : undefined;
  return typeof value === 'number' && value > 0 ? Math.min(value, LONGEST_REQUESTED_MS) : 0;
}

/** Delay before retry number `attempt` (0 for the first), in milliseconds: at least what the other side asked for. */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  backoff: Backoff,
  { random = Math.random }: RetryDeps,
): number {
  return Math.max(requestedDelayMs(error), backoffDelayMs(attempt, backoff, random));
}

/**
 * Calls `attempt` until it succeeds, fails permanently, or the attempts run out; then throws the last error unchanged.
 * `retryAfterMs` in the error's details lengthens the delay, up to five minutes.
 */
export async function retry<T>(
  attempt: (attemptNumber: number) => Promise<T>,
  options: RetryOptions,
  deps: RetryDeps = {},
): Promise<T> {
  const pause = deps.sleep ?? sleep;
  const isRetryable = options.isRetryable ?? ((error) => error instanceof QuarryError && error.retryable);
  for (let n = 1; ; n++) {
    try {
      return await attempt(n);
    } catch (error) {
      if (n >= options.attempts || options.signal?.aborted || !isRetryable(error)) throw error;
      const delayMs = retryDelayMs(error, n - 1, options.backoff ?? DEFAULT_BACKOFF, deps);
      options.onRetry?.(error, n, delayMs);
      await pause(delayMs, options.signal);
    }
  }
}
