import type { QuarryError } from '../../errors/index.js';

/** Messages remembered. */
const MAX_COMPLAINTS = 1_000;

/** Deduplicates warnings about a node's data, which recur at every read: each is given once until {@link forget}. */
export class Complaints {
  readonly #told = new Set<string>();
  readonly #warn: (error: QuarryError) => void;

  constructor(warn: (error: QuarryError) => void) {
    this.#warn = warn;
  }

  /** Warns, unless it has already given the same message. */
  readonly add = (error: QuarryError): void => {
    if (this.#told.has(error.message)) return;
    if (this.#told.size < MAX_COMPLAINTS) this.#told.add(error.message);
    this.#warn(error);
  };

  /** Allows every message once more, as at the start of an epoch. */
  forget(): void {
    this.#told.clear();
  }
}
