import { isAbort, type QuarryError, toQuarryError } from '../../errors/index.js';

/** Background work whose callers do not wait. Failures are reported; an abort is not one. */
export class TaskGroup {
  readonly #tasks = new Set<Promise<void>>();
  readonly #onFailure: (failure: QuarryError) => Promise<void>;

  constructor(onFailure: (failure: QuarryError) => Promise<void>) {
    this.#onFailure = onFailure;
  }

  /** @param doing what the work is about, for the error */
  run(doing: string, work: Promise<void>): void {
    const task = work
      .catch(async (error: unknown) => {
        if (!isAbort(error)) await this.#onFailure(toQuarryError(error, doing));
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Resolves when all that was begun has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#tasks);
  }
}
