import { setMaxListeners } from 'node:events';

/** A signal that also fires with the caller's signals, and can be detached from them. */
export interface ChildSignal {
  readonly signal: AbortSignal;
  /** Fires the signal for remaining listeners and detaches it from the caller's signals. */
  close(reason?: unknown): void;
}

/**
 * Disables Node's leak warning at eleven listeners: one signal may control hundreds of calls.
 *
 * @returns the same signal
 */
export function allowManyListeners(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

/**
 * Links a signal to others, which may be long-lived. `AbortSignal.any` would keep the link, and its listeners, until
 * those are collected.
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
