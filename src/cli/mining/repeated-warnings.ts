import { LatestMap } from '../../collections/latest-map.js';

/** Different warnings that are counted: a stranger may think of any number. */
const MOST_REMEMBERED = 1_000;

/** Tells equal warnings once, and after a while how often each came again. */
export class RepeatedWarnings {
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #seen = new LatestMap<string, { readonly sinceMs: number; again: number }>(MOST_REMEMBERED);

  /**
   * @param quietMs how long an equal warning is only counted
   * @param now monotonic milliseconds
   */
  constructor(quietMs: number, now: () => number) {
    this.#quietMs = quietMs;
    this.#now = now;
  }

  /** Whether a warning is to be told now; otherwise it is counted. */
  isNew(text: string): boolean {
    const seen = this.#seen.get(text);
    if (seen === undefined) {
      this.#seen.set(text, { sinceMs: this.#now(), again: 0 });
      return true;
    }
    seen.again++;
    return false;
  }

  /** Takes the warnings whose quiet time is over, with how often they came again: those that did not are left out. */
  takeDue(all = false): { readonly text: string; readonly count: number }[] {
    const due: { text: string; count: number }[] = [];
    for (const [text, { sinceMs, again }] of this.#seen) {
      if (!all && this.#now() - sinceMs < this.#quietMs) continue;
      this.#seen.delete(text);
      if (again === 0) continue;
      due.push({ text, count: again });
      // Still going on: counted for another while.
      if (!all) this.#seen.set(text, { sinceMs: this.#now(), again: 0 });
    }
    return due;
  }
}
