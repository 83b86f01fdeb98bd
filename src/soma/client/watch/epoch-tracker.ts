/** Checkpoints in a row that must tell of another epoch before it is believed without the end of the one before. */
const CONFIRMATIONS = 3;

/**
 * Which epoch it is, by the chain of checkpoints. The end of the current epoch is believed at once; every other change,
 * forwards or back, only when several checkpoints in a row agree on it: one message can be wrong.
 */
export class EpochTracker {
  #epoch: bigint | undefined;
  #claimed: bigint | undefined;
  #times = 0;

  /** The epoch as far as it is believed; `undefined` before anything was told. */
  get epoch(): bigint | undefined {
    return this.#epoch;
  }

  /**
   * Learns the epoch that a checkpoint names.
   *
   * @returns whether that changed which epoch is believed
   */
  observe(epoch: bigint): boolean {
    if (epoch === this.#epoch) {
      this.#claimed = undefined;
      return false;
    }
    if (epoch !== this.#claimed) this.#times = 0;
    this.#claimed = epoch;
    this.#times++;
    if (this.#epoch !== undefined && this.#times < CONFIRMATIONS) return false;
    this.#become(epoch);
    return true;
  }

  /**
   * Learns that a checkpoint ended `epoch`.
   *
   * @returns whether the next one has begun, which is so only when `epoch` is the one believed
   */
  end(epoch: bigint): boolean {
    if (epoch !== this.#epoch) return false;
    this.#become(epoch + 1n);
    return true;
  }

  #become(epoch: bigint): void {
    this.#epoch = epoch;
    this.#claimed = undefined;
    this.#times = 0;
  }
}
