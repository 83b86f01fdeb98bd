import type { QuarryError } from '../../errors/index.js';

/** Different complaints that are remembered. */
const MAX_COMPLAINTS = 1_000;

/** Warnings about what a node says: it repeats itself at every look, so each is given once until {@link forget}. */
export class Complaints {
  readonly #told = new Set<string>();
  readonly #warn: (error: QuarryError) => void;

  constructor(warn: (error: QuarryError) => void) {
    this.#warn = warn;
  }

  /** Warns unless the same was said already. */
  readonly add = (error: QuarryError): void => {
    if (this.#told.has(error.message)) return;
    if (this.#told.size < MAX_COMPLAINTS) this.#told.add(error.message);
    this.#warn(error);
  };

  /** Lets every complaint be made once more, as at the beginning of an epoch. */
  forget(): void {
    this.#told.clear();
  }
}
