/** How long a round should take, milliseconds: its hits are submitted when it ends. */
const ROUND_MS = 1_000;

/**
 * How many samples a round takes on an engine that scores a known number side by side, one round at a time. Every round is
 * at most twice as large as the one before, and one that takes longer than {@link ROUND_MS} is followed by a smaller one, down to as many
 * samples as keep the engine busy.
 */
export class RoundSize {
  readonly #most: number;
  readonly #parallel: number;
  #next: number;

  /**
   * @param most samples of a round at most
   * @param parallel samples that the engine scores side by side
   */
  constructor(most: number, parallel: number) {
    this.#most = most;
    this.#parallel = parallel;
    this.#next = Math.min(most, parallel);
  }

  /** Samples that the next round may have while this many are in flight. */
  room(inFlight: number): number {
    return inFlight > 0 ? 0 : this.#next;
  }

  /** Takes note of how long a round took. */
  took(samples: number, ms: number): void {
    const fitting = Math.floor((ROUND_MS * samples) / Math.max(1, ms));
    this.#next = Math.min(this.#most, Math.max(this.#parallel, Math.min(fitting, 2 * this.#next)));
  }
}
