import type { Target } from '../../soma/client/decode/target.js';

/** Whether a target can be hit: an embedding of `dim` finite values, a finite threshold, and models to score under. */
export function fits(target: Target, dim: number): boolean {
  const { embedding, distanceThreshold, modelIds } = target;
  if (embedding.length !== dim || modelIds.length === 0) return false;
  return Number.isFinite(distanceThreshold) && embedding.every(Number.isFinite) && embedding.some((x) => x !== 0);
}
