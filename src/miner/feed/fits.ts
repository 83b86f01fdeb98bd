import { TOTAL_SUPPLY_SHANNONS } from '../../soma/chain/index.js';
import type { Target } from '../../soma/client/decode/target.js';

/**
 * Whether a target is well-formed: a nonzero embedding of `dim` finite values, a finite threshold, at least one model,
 * and amounts within the total supply.
 */
export function fits(target: Target, dim: number): boolean {
  const { embedding, distanceThreshold, modelIds } = target;
  if (embedding.length !== dim || modelIds.length === 0) return false;
  if (target.rewardPoolShannons > TOTAL_SUPPLY_SHANNONS || target.bondShannons > TOTAL_SUPPLY_SHANNONS) return false;
  return Number.isFinite(distanceThreshold) && embedding.every(Number.isFinite) && embedding.some((x) => x !== 0);
}
