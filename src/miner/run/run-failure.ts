import type { QuarryError } from '../../errors/index.js';

/** Ends a run from work outside its supervised loops. */
export class RunFailure {
  /** Rejects with the first failure raised; never resolves. */
  readonly raised: Promise<never>;
  #reject!: (error: QuarryError) => void;

  constructor() {
    this.raised = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // It may be raised when no run waits for it anymore.
    this.raised.catch(() => {});
  }

  raise(error: QuarryError): void {
    this.#reject(error);
  }
}
