/** What is known about a target before it is searched for. */
export interface SearchProspect {
  readonly rewardShannons: bigint;
  /** Cosine needed for a hit. */
  readonly wantedCosine: number;
  /** Cosine of the closest known sample. */
  readonly cosine: number;
  /** Embedding width. */
  readonly dim: number;
  /** Number of searches that stalled. */
  readonly stalls: number;
}

/** Distance, in deviations, added to every target, so that the nearest do not rank infinitely high. */
const LEAST_DISTANCE = 0.25;

/**
 * Ranks a target for searching: reward divided by the missing distance in deviations (cosine times the square root of
 * the width), with which the number of steps grows. Each stall halves it.
 */
export function prospect({ rewardShannons, wantedCosine, cosine, dim, stalls }: SearchProspect): number {
  const missing = Math.max(0, wantedCosine - cosine) * Math.sqrt(dim);
  return Number(rewardShannons) / (missing + LEAST_DISTANCE) / 2 ** stalls;
}
