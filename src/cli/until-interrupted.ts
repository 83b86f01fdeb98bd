/**
 * Waits until the user interrupts. The pending promise alone does not keep the process alive; open servers or sockets
 * do.
 */
export function untilInterrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
