import { setMaxListeners } from 'node:events';

/** A signal of our own that fires with the caller's, and leaves nothing behind on them. */
export interface ChildSignal {
  readonly signal: AbortSignal;
  /** Fires the signal, for what still listens, and lets go of the caller's. */
  close(reason?: unknown): void;
}

/**
 * One signal may steer hundreds of calls; Node warns of a leak at eleven listeners.
 *
 * @returns the same signal
 */
export function allowManyListeners(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

/**
 * Links to signals that may live long. `AbortSignal.any` keeps every link, and what listens to it, until those signals are
 * collected.
 */
export function childSignal(...outer: readonly (AbortSignal | undefined)[]): ChildSignal {
  const controller = new AbortController();
  allowManyListeners(controller.signal);
  const linked = outer.filter((signal) => signal !== undefined);
  const abort = (): void => close(linked.find(({ aborted }) => aborted)?.reason);
  const close = (reason?: unknown): void => {
    for (const signal of linked) signal.removeEventListener('abort', abort);
    controller.abort(reason);
  };
  for (const signal of linked) allowManyListeners(signal).addEventListener('abort', abort, { once: true });
  if (linked.some(({ aborted }) => aborted)) abort();
  return { signal: controller.signal, close };
}
