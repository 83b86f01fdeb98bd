/** Longest time between two outages, virtual milliseconds. */
const MOST_APART_MS = 90_000;

/** When the whole way to the node is gone: times of it, one after another, as long as the random numbers will. */
export class Outages {
  readonly #longestMs: number;
  readonly #random: () => number;
  #from = 0;
  #until = 0;

  /**
   * @param longestMs virtual milliseconds; 0 for none
   * @param now when the first may begin
   */
  constructor(longestMs: number, now: number, random: () => number) {
    this.#longestMs = longestMs;
    this.#random = random;
    this.#until = now;
  }

  /** Whether the node is out of reach at a moment not before the last that was asked about. */
  isOut(now: number): boolean {
    if (this.#longestMs === 0) return false;
    while (now >= this.#until) {
      this.#from = this.#until + this.#random() * MOST_APART_MS;
      this.#until = this.#from + this.#random() * this.#longestMs;
    }
    return now >= this.#from;
  }
}
