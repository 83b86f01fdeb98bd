/** Cost of a step, in scorings. */
export interface StepCost {
  readonly proposals: number;
  readonly gradient: number;
}

/** Maximum saved credit, in steps. */
const MOST_SAVED = 4;

/** Limits searching to a share of all scoring: other scoring earns credit, and each step spends it. */
export class SearchBudget {
  readonly #cost: number;
  /** Credit earned per other scoring. */
  readonly #rate: number;
  #credit = 0;

  /** @param share of all scoring, from 0 (none) to 1 */
  constructor(share: number, { proposals, gradient }: StepCost) {
    this.#cost = proposals + gradient;
    this.#rate = share / (1 - share);
  }

  /** Earns credit for samples scored outside of searches. */
  earn(samples: number): void {
    if (samples > 0) this.#credit = Math.min(MOST_SAVED * this.#cost, this.#credit + samples * this.#rate);
  }

  /**
   * Whether a step may run.
   *
   * @param idle nothing else is waiting to be scored; any share above 0 then allows a step
   */
  allows(idle: boolean): boolean {
    return this.#rate > 0 && (idle || this.#credit >= this.#cost);
  }

  /** Pays for a step; steps taken while idle are free. */
  spend(idle: boolean): void {
    if (!idle) this.#credit -= this.#cost;
  }
}
