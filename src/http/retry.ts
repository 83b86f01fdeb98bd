import { QuarryError } from '../errors/index.js';
import { type Backoff, backoffDelayMs, DEFAULT_BACKOFF } from './backoff.js';
import { type Sleep, sleep } from './sleep.js';

/** How often and how long to try again. */
export interface RetryPolicy {
  /** Calls in all, the first included. 1 never retries. */
  readonly attempts: number;
  readonly backoff?: Backoff | undefined;
}

/** A policy that says how long to wait. */
export type PacedRetryPolicy = RetryPolicy & { readonly backoff: Backoff };

export interface RetryDeps {
  /** In [0, 1), spreads pauses between retries. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
}

export interface RetryOptions extends RetryPolicy {
  /** Whether this failure is worth another attempt. Default: the error's own `retryable`. */
  readonly isRetryable?: ((error: unknown) => boolean) | undefined;
  /** Called before every pause; `attempt` counts from 1. */
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The least time the other side asked us to wait, when it said so. */
function requestedDelayMs(error: unknown): number {
  const value = error instanceof QuarryError ? error.details['retryAfterMs'] : undefined;
  return typeof value === 'number' ? value : 0;
}

/** The pause before retry number `attempt` (0 for the first), in milliseconds: no shorter than the other side asked for. */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  backoff: Backoff,
  { random = Math.random }: RetryDeps,
): number {
  return Math.max(requestedDelayMs(error), backoffDelayMs(attempt, backoff, random));
}

/**
 * Calls `attempt` until it succeeds, fails for good, or the attempts are used up; then the last error is thrown
 * unchanged. A `retryAfterMs` fact on the error lengthens the pause.
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
