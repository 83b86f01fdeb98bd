/** What a pool is searched for: several targets at once. */
export interface PoolGoals {
  /** `[targets, dim]` */
  readonly targets: Float32Array;
  /** One for each target: its search ends with the first composition this close, cosine. */
  readonly cosines: Float64Array;
  /**
   * One array per rival, one number per slot: by how much the row's loss lies below the rival's, error bounds taken off.
   * The total over all parts stays above zero; NaN leaves a row out. Slots behind the end of the first are left out.
   */
  readonly leads: readonly Float32Array[];
  readonly maxParts: number;
  /** Look for better parts at every length, so that fewer parts are enough. Default: at the last length only. */
  readonly fewest?: boolean | undefined;
}

/** Slots whose rows together come close to a target. */
export interface FoundParts {
  /** Slots, repetition allowed; none where no row can begin a composition. */
  readonly slots: readonly number[];
  /** Of the mean embedding to the target; -2 without slots. */
  readonly cosine: number;
}

/**
 * Rows of one model, bounded in number, in which compositions are searched. A pool that is full takes a row only when it
 * lies further from all others than the two closest rows of the pool from each other, in the place of one of these: what
 * stays is spread out. One call at a time.
 */
export interface ComposePool {
  /** The engine in use: `native avx2`, `reference`. */
  readonly name: string;
  readonly dim: number;
  readonly capacity: number;
  /**
   * Puts rows into slots. A row that is zero or not finite empties its slot.
   *
   * @param slots `[n]`, below `capacity`; -1 lets the pool choose
   * @param rows `[n, dim]`
   * @returns the slots that were written, -1 where a row adds too little to be kept
   */
  put(slots: Int32Array, rows: Float32Array): Promise<Int32Array>;
  /** The best composition for each target: greedy by cosine, then parts are exchanged as long as that helps. */
  search(goals: PoolGoals): Promise<FoundParts[]>;
  /** Gives its memory back; nothing may be asked of it any more. */
  close(): void;
}
