import { isAbort, type QuarryError, toQuarryError } from '../../errors/index.js';

/** Background tasks. Reports failures, except aborts. */
export class TaskGroup {
  readonly #tasks = new Set<Promise<void>>();
  readonly #onFailure: (failure: QuarryError) => Promise<void>;

  constructor(onFailure: (failure: QuarryError) => Promise<void>) {
    this.#onFailure = onFailure;
  }

  /** @param doing description of the work, for error messages */
  run(doing: string, work: Promise<void>): void {
    const task = work
      .catch(async (error: unknown) => {
        if (!isAbort(error)) await this.#onFailure(toQuarryError(error, doing));
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Resolves when all tasks started so far have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#tasks);
  }
}
