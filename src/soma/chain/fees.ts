import { bpsMul } from './amount.js';
import type { TransactionKindName } from './transaction/index.js';

/** The system parameters that determine fees, as of the start of the epoch. */
export interface FeeParameters {
  /** Shannons, always charged. */
  readonly baseFee: bigint;
  /** Shannons per object written. */
  readonly writeObjectFee: bigint;
  /** Basis points of the value moved. */
  readonly valueFeeBps: bigint;
}

const FULL_RATE: ReadonlySet<TransactionKindName> = new Set(['transferCoin', 'payCoins']);
const HALF_RATE: ReadonlySet<TransactionKindName> = new Set([
  'addStake',
  'addStakeToModel',
  'createModel',
  'withdrawStake',
  'claimRewards',
]);

/** The value fee of a kind in basis points; half rates are rounded down (10 is 5, 1 is 0). */
export function valueFeeBps(kind: TransactionKindName, parameters: Pick<FeeParameters, 'valueFeeBps'>): bigint {
  if (FULL_RATE.has(kind)) return parameters.valueFeeBps;
  return HALF_RATE.has(kind) ? parameters.valueFeeBps / 2n : 0n;
}

/**
 * The value fee of a transaction, in shannons.
 *
 * @param value shannons that it moves: the amount or whole coin of a transfer, the sum of payments, the stake, the
 *   principal withdrawn, the reward pool of the target claimed
 */
export function valueFee(
  kind: TransactionKindName,
  value: bigint,
  parameters: Pick<FeeParameters, 'valueFeeBps'>,
): bigint {
  return bpsMul(value, valueFeeBps(kind, parameters));
}

/**
 * Total fee of a successful transaction, in shannons. A failed one is charged only the base fee.
 *
 * @param value see {@link valueFee}; 0 for kinds without a value fee
 * @param objectsWritten created and changed objects, including the gas coin and shared objects but not deleted ones
 */
export function totalFee(
  kind: TransactionKindName,
  value: bigint,
  objectsWritten: number,
  parameters: FeeParameters,
): bigint {
  return parameters.baseFee + parameters.writeObjectFee * BigInt(objectsWritten) + valueFee(kind, value, parameters);
}

/** Bond for submitting `sizeBytes` of data, in shannons; returned with the reward. */
export function submissionBond(sizeBytes: bigint | number, bondPerByte: bigint): bigint {
  return BigInt(sizeBytes) * bondPerByte;
}

/** A reward split between submitter, model owner and claimer. */
export interface RewardSplit {
  readonly submitter: bigint;
  readonly modelOwner: bigint;
  readonly claimer: bigint;
}

/** The shares of a target's reward, in basis points. */
export interface RewardShares {
  readonly targetSubmitterRewardShareBps: bigint;
  readonly targetModelRewardShareBps: bigint;
  readonly targetClaimerIncentiveBps: bigint;
}

/** Splits the reward of a filled target; rounding remainders go to the submitter. Shannons. */
export function splitReward(rewardPool: bigint, shares: RewardShares): RewardSplit {
  const modelOwner = bpsMul(rewardPool, shares.targetModelRewardShareBps);
  const claimer = bpsMul(rewardPool, shares.targetClaimerIncentiveBps);
  return { submitter: rewardPool - modelOwner - claimer, modelOwner, claimer };
}

/**
 * The value fee rate of the next epoch: moves towards the fee target by at most `feeAdjustmentRateBps` of itself.
 *
 * @param fees fees of the ending epoch, in shannons
 */
export function nextValueFeeBps(
  fees: bigint,
  parameters: {
    readonly valueFeeBps: bigint;
    readonly minValueFeeBps: bigint;
    readonly maxValueFeeBps: bigint;
    readonly feeAdjustmentRateBps: bigint;
    readonly targetEpochFeeCollection: bigint;
  },
): bigint {
  const { valueFeeBps: rate, targetEpochFeeCollection: goal } = parameters;
  if (goal === 0n) return rate;
  const ratio = (fees * 10_000n) / goal;
  const limit = bpsMul(rate, parameters.feeAdjustmentRateBps);
  const wanted = bpsMul(rate, ratio > 10_000n ? ratio - 10_000n : 10_000n - ratio);
  const step = smaller(wanted, limit);
  if (ratio > 10_000n) return smaller(rate + step, parameters.maxValueFeeBps);
  return larger(rate - step, parameters.minValueFeeBps);
}

// Math.min and Math.max take no bigints.
function smaller(a: bigint, b: bigint): bigint {
  return [a, b].reduce((least, each) => (each < least ? each : least));
}

function larger(a: bigint, b: bigint): bigint {
  return [a, b].reduce((most, each) => (each > most ? each : most));
}
