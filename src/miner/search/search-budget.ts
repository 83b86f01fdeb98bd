/** What a step costs, in scorings: the chunks it proposes, and a gradient. */
export interface StepCost {
  readonly proposals: number;
  readonly gradient: number;
}

/** Steps that are saved up at most while none can be taken. */
const MOST_SAVED = 4;

/** The share of scoring that may go into searching: what others score earns it, and a step spends it. */
export class SearchBudget {
  readonly #cost: number;
  /** Scorings of search that each one of others earns. */
  readonly #rate: number;
  #credit = 0;

  /** @param share of all scoring, from 0 (none) to 1 */
  constructor(share: number, { proposals, gradient }: StepCost) {
    this.#cost = proposals + gradient;
    this.#rate = share / (1 - share);
  }

  /** Takes note of samples scored that were not searched. */
  earn(samples: number): void {
    if (samples > 0) this.#credit = Math.min(MOST_SAVED * this.#cost, this.#credit + samples * this.#rate);
  }

  /**
   * Whether a step may be taken.
   *
   * @param idle nothing else waits to be scored: the share does not matter then, unless it is 0
   */
  allows(idle: boolean): boolean {
    return this.#rate > 0 && (idle || this.#credit >= this.#cost);
  }

  /** Takes note of a step; one that took nothing from others is free. */
  spend(idle: boolean): void {
    if (!idle) this.#credit -= this.#cost;
  }
}
