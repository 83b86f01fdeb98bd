import { setMaxListeners } from 'node:events';

/** A signal of our own that fires with the caller's, and leaves nothing behind on it. */
export interface ChildSignal {
  readonly signal: AbortSignal;
  /** Fires the signal, for what still listens, and lets go of the caller's. */
  close(): void;
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

/** Links to a signal that may live long. `AbortSignal.any` would keep every link until that signal is collected. */
export function childSignal(outer: AbortSignal | undefined): ChildSignal {
  const controller = new AbortController();
  allowManyListeners(controller.signal);
  const abort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) abort();
  else if (outer !== undefined) allowManyListeners(outer).addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    close() {
      outer?.removeEventListener('abort', abort);
      abort();
    },
  };
}
