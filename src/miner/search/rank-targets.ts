/** What is known of an open target before it is searched for. */
export interface SearchProspect {
  readonly rewardShannons: bigint;
  /** Cosine that hits. */
  readonly wantedCosine: number;
  /** Cosine of the closest sample known. */
  readonly cosine: number;
  /** Width of an embedding. */
  readonly dim: number;
  /** Times that searching came to a standstill. */
  readonly stalls: number;
}

/** Deviations that even the nearest target takes. */
const LEAST_DISTANCE = 0.25;

/**
 * How much searching for a target promises: its reward by what is missing, in deviations (cosine times the root of the
 * width), which is what the number of steps grows with. Every standstill halves it.
 */
export function prospect({ rewardShannons, wantedCosine, cosine, dim, stalls }: SearchProspect): number {
  const missing = Math.max(0, wantedCosine - cosine) * Math.sqrt(dim);
  return Number(rewardShannons) / (missing + LEAST_DISTANCE) / 2 ** stalls;
}
