import { LatestMap } from '../../collections/latest-map.js';

/** Maximum different warnings counted, as others can cause any number of them. */
const MOST_REMEMBERED = 1_000;

/** Prints identical warnings once, and later how often they were repeated. */
export class RepeatedWarnings {
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #seen = new LatestMap<string, { readonly sinceMs: number; again: number }>(MOST_REMEMBERED);

  /**
   * @param quietMs how long identical warnings are only counted
   * @param now monotonic milliseconds
   */
  constructor(quietMs: number, now: () => number) {
    this.#quietMs = quietMs;
    this.#now = now;
  }

  /** Whether a warning should be printed now; otherwise it is counted. */
  isNew(text: string): boolean {
    const seen = this.#seen.get(text);
    if (seen === undefined) {
      this.#seen.set(text, { sinceMs: this.#now(), again: 0 });
      return true;
    }
    seen.again++;
    return false;
  }

  /**
   * Takes the warnings whose quiet time is over, with the number of repetitions, without those that were not repeated.
   */
  takeDue(all = false): { readonly text: string; readonly count: number }[] {
    const due: { text: string; count: number }[] = [];
    for (const [text, { sinceMs, again }] of this.#seen) {
      if (!all && this.#now() - sinceMs < this.#quietMs) continue;
      this.#seen.delete(text);
      if (again === 0) continue;
      due.push({ text, count: again });
      // Still recurring: count for another period.
      if (!all) this.#seen.set(text, { sinceMs: this.#now(), again: 0 });
    }
    return due;
  }
}
