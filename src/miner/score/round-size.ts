/** How long a round should take, milliseconds: its hits are submitted when it ends. */
const ROUND_MS = 1_000;
/** The first round where the engine does not say how many samples it scores side by side. */
const FIRST = 4;

/**
 * How many samples a round takes. Every round is at most twice as large as the one before, and one that takes longer than
 * {@link ROUND_MS} is followed by a smaller one, down to as many samples as the engine scores side by side. Where that
 * is not known, as of a fleet, rounds only grow: small ones would leave most scorers of a slow model without work.
 */
export class RoundSize {
  readonly #most: number;
  readonly #parallel: number | undefined;
  #next: number;

  /**
   * @param most samples of a round at most
   * @param parallel samples that the engine scores side by side, if that is known
   */
  constructor(most: number, parallel: number | undefined) {
    this.#most = most;
    this.#parallel = parallel;
    this.#next = Math.min(most, parallel ?? FIRST);
  }

  /** Samples of the next round at most. */
  get next(): number {
    return this.#next;
  }

  /** Takes note of how long a round took. */
  took(samples: number, ms: number): void {
    const fitting = this.#parallel === undefined ? this.#most : Math.floor((ROUND_MS * samples) / Math.max(1, ms));
    this.#next = Math.min(this.#most, Math.max(this.#parallel ?? 1, Math.min(fitting, 2 * this.#next)));
  }
}
