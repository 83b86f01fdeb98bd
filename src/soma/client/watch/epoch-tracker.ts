/**
 * Consecutive checkpoints that must report a different epoch before it is believed without the end of the previous one.
 */
const CONFIRMATIONS = 3;

/**
 * Determines the current epoch from checkpoints. The end of the current epoch is believed immediately; any other
 * change, forwards or back, only if several consecutive checkpoints agree, as a single message can be wrong.
 */
export class EpochTracker {
  #epoch: bigint | undefined;
  #claimed: bigint | undefined;
  #times = 0;

  /** The epoch believed to be current; `undefined` initially. */
  get epoch(): bigint | undefined {
    return this.#epoch;
  }

  /**
   * Processes the epoch of a checkpoint.
   *
   * @returns whether the current epoch changed
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
   * Processes a checkpoint that ended `epoch`.
   *
   * @returns whether the next one has begun, which requires that `epoch` was the current one
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
