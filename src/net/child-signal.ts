import { setMaxListeners } from 'node:events';
import { isAbort, QuarryError } from '../errors/index.js';

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
 * those are collected. Its reason is always an error that says that the work was stopped or took too long: `fetch` and
 * undici throw the reason as it is, and callers may give any value.
 */
export function childSignal(...outer: readonly (AbortSignal | undefined)[]): ChildSignal {
  const controller = new AbortController();
  allowManyListeners(controller.signal);
  const linked = outer.filter((signal) => signal !== undefined);
  const abort = (): void => close(asError(linked.find(({ aborted }) => aborted)?.reason));
  const close = (reason?: unknown): void => {
    for (const signal of linked) signal.removeEventListener('abort', abort);
    controller.abort(reason);
  };
  for (const signal of linked) allowManyListeners(signal).addEventListener('abort', abort, { once: true });
  if (linked.some(({ aborted }) => aborted)) abort();
  return { signal: controller.signal, close };
}

function asError(reason: unknown): Error {
  if (isAbort(reason) || (reason instanceof Error && reason.name === 'TimeoutError')) return reason as Error;
  return new QuarryError('ABORTED', 'the work was interrupted', { cause: reason });
}
