/** Waits until the user interrupts. A pending promise alone does not keep a process alive; what listens meanwhile does. */
export function untilInterrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
