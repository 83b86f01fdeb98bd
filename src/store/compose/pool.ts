/** Goals of a search: several targets at once. */
export interface PoolGoals {
  /** `[targets, dim]` */
  readonly targets: Float32Array;
  /** Per target, the cosine at which its search stops. */
  readonly cosines: Float64Array;
  /**
   * One array per rival with the lead of each slot's row over the rival, less the error bounds. The total lead over all
   * parts stays above zero. NaN excludes a row, as does a slot beyond the end of the first array.
   */
  readonly leads: readonly Float32Array[];
  readonly maxParts: number;
  /** Exchange parts at every length, so that fewer parts suffice. Default: only at the last length. */
  readonly fewest?: boolean | undefined;
}

/** The slots of a composition. */
export interface FoundParts {
  /** Slots, with repetitions; empty if no row can start a composition. */
  readonly slots: readonly number[];
  /** Cosine of the mean embedding and the target; -2 without slots. */
  readonly cosine: number;
}

/**
 * A bounded set of one model's rows to search for compositions. A full pool keeps its rows spread out: it accepts a new
 * row only if that is further from all others than its two closest rows are from each other, and replaces one of those.
 * Calls must not overlap.
 */
export interface ComposePool {
  /** The engine in use: `native avx2`, `reference`. */
  readonly name: string;
  readonly dim: number;
  readonly capacity: number;
  /**
   * Writes rows to slots. A row that is zero or not finite empties its slot.
   *
   * @param slots `[n]`, below `capacity`; -1 lets the pool choose
   * @param rows `[n, dim]`
   * @returns the slots written; -1 for a row too close to others to be kept
   */
  put(slots: Int32Array, rows: Float32Array): Promise<Int32Array>;
  /** Finds the best composition for each target: greedy by cosine, then exchanges parts while that helps. */
  search(goals: PoolGoals): Promise<FoundParts[]>;
  /** Frees the memory. The pool must not be used afterwards. */
  close(): void;
}
