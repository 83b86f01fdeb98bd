import { bpsMul } from '../../../soma/chain/amount.js';
import { protocolConfig } from '../../../soma/chain/protocol-config.js';
import type { SystemParameters } from './system-parameters.js';
import type { SystemState, TargetState } from './system-state.js';

const f32 = Math.fround;
/** Standard deviation of the distance between random directions in 2048 dimensions, hard-coded in the protocol. */
const SIGMA = f32(0.022);

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function emaOfHits({ hitsEma, hitsThisEpoch }: TargetState, parameters: SystemParameters): bigint {
  if (hitsEma === 0n) return hitsThisEpoch;
  const decay = parameters.targetHitsEmaDecayBps;
  return (decay * hitsEma + (10_000n - decay) * hitsThisEpoch) / 10_000n;
}

function adjustedThreshold(
  threshold: number,
  ema: bigint,
  parameters: SystemParameters,
  protocolVersion: bigint,
): number {
  const wanted = parameters.targetHitsPerEpoch;
  if (ema === 0n || ema === wanted) return threshold;
  const harder = ema > wanted;
  const min = f32(parameters.targetMinDistanceThreshold);
  const max = f32(parameters.targetMaxDistanceThreshold);
  const rate = f32(f32(Number(parameters.targetDifficultyAdjustmentRateBps)) / f32(10_000));
  const { minimumZStep } = protocolConfig(protocolVersion);
  if (minimumZStep === undefined) {
    const factor = harder ? f32(1 - rate) : f32(1 + rate);
    return clamp(f32(threshold * factor), min, max);
  }
  const z = f32(f32(1 - threshold) / SIGMA);
  const step = Math.max(f32(Math.abs(z) * rate), f32(minimumZStep));
  const moved = clamp(f32(harder ? z + step : z - step), f32(f32(1 - max) / SIGMA), f32(f32(1 - min) / SIGMA));
  return f32(1 - f32(SIGMA * moved));
}

/** Reward of one target, in shannons. */
export function rewardPerTarget(
  emissionPerEpoch: bigint,
  parameters: SystemParameters,
  protocolVersion: bigint,
): bigint {
  const perHit = protocolConfig(protocolVersion).rewardDenominator === 'hitsPerEpoch';
  const targets = perHit ? parameters.targetHitsPerEpoch : parameters.targetInitialTargetsPerEpoch;
  return bpsMul(emissionPerEpoch, parameters.targetRewardAllocationBps) / (targets > 0n ? targets : 1n);
}

/**
 * The target state of a new epoch: adjusts the threshold towards the targeted number of hits, resets counters,
 * recomputes the reward.
 *
 * @param state the state at the end of an epoch, with the parameters of the next one
 */
export function adjustDifficulty(state: SystemState): TargetState {
  const { parameters, targetState, protocolVersion } = state;
  const hitsEma = emaOfHits(targetState, parameters);
  return {
    distanceThreshold: adjustedThreshold(f32(targetState.distanceThreshold), hitsEma, parameters, protocolVersion),
    targetsGeneratedThisEpoch: 0n,
    hitsThisEpoch: 0n,
    hitsEma,
    rewardPerTarget: rewardPerTarget(state.emissionPool.emissionPerEpoch, parameters, protocolVersion),
  };
}
