import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../src/errors/index.js';

/**
 * Lets the event loop run, and ends the bench when it was interrupted. Between long pieces of work on the main thread: a
 * Ctrl-C is not noticed otherwise.
 *
 * @throws QuarryError `ABORTED`
 */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  throwIfAborted(signal, 'the bench');
}
