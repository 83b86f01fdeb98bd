/** Wakes sleeping loops. */
export class Notifier {
  readonly #sleepers = new Set<() => void>();

  /** Ends every sleep now. */
  now(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Resolves at the next {@link now}, or after `ms` milliseconds. */
  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleepers.add(wake);
    });
  }
}
