/** The first weight of the loss, in deviations of the cosine per nat. */
const FIRST = 0.05;
const MOST = 2;
/** Leads, nats, below which the loss weighs more, and beyond which it weighs less. */
const [SCARCE, AMPLE] = [0.02, 0.2];
const [MORE, LESS] = [1.5, 0.8];

/**
 * How much a relaxed chunk's loss counts beside its closeness: enough that the intended model wins the chunk, and no more,
 * as each nat costs closeness.
 */
export class LossWeight {
  #value: number;

  /** @param isContested whether other models compete for the target */
  constructor(isContested: boolean) {
    this.#value = isContested ? FIRST : 0;
  }

  /** In deviations of the cosine per nat: cosine times the root of the width. */
  get value(): number {
    return this.#value;
  }

  /** @param lead of the intended model over the best of the others, nats, less the error bounds */
  note(lead: number): void {
    if (lead < SCARCE) this.#value = Math.min(MOST, this.#value * MORE);
    else if (lead > AMPLE) this.#value *= LESS;
  }
}
