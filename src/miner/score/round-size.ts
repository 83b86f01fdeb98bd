/** How long a round may take: its hits are submitted when it ends. */
const ROUND_MS = 5_000;
/** Fewer would leave some of the processors without work. */
const LEAST = 4;

/** How many samples a round takes: as many as are allowed, unless they are scored too slowly for that. */
export class RoundSize {
  readonly #most: number;
  #next: number;

  /** @param most samples of a round at most */
  constructor(most: number) {
    this.#most = most;
    this.#next = Math.min(most, LEAST);
  }

  /** Samples of the next round: the first is a small one, which shows how fast they are scored. */
  get next(): number {
    return this.#next;
  }

  /** Takes note of a round that has ended. The next is at most twice as large: what this one scored may have been easy. */
  took(samples: number, ms: number): void {
    const fitting = Math.floor((ROUND_MS * samples) / Math.max(1, ms));
    this.#next = Math.min(this.#most, Math.max(LEAST, Math.min(fitting, 2 * samples)));
  }
}
