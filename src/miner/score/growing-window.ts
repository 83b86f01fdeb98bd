/** Samples of a round: few, since it is matched once all of its models have scored it. */
const ROUND = 4;

/**
 * How many samples may be with an engine that does not say how many it scores side by side, such as a fleet: one round at
 * first, so that its hits need not wait behind others, then twice as many each time that many have come back.
 */
export class GrowingWindow {
  readonly #most: number;
  #size: number;

  /** @param most samples at a time */
  constructor(most: number) {
    this.#most = most;
    this.#size = Math.min(most, ROUND);
  }

  /** Samples that the next round may have while this many are in flight. */
  room(inFlight: number): number {
    return Math.max(0, Math.min(ROUND, this.#size - inFlight));
  }

  /** Takes note of a round that came back. */
  took(samples: number): void {
    this.#size = Math.min(this.#most, this.#size + samples);
  }
}
