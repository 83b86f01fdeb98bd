import { protocolConfig } from '../../../soma/chain/protocol-config.js';

/** The protocol parameters of the current epoch; amounts in shannons, rates in basis points. */
export interface SystemParameters {
  readonly epochDurationMs: bigint;
  readonly validatorRewardAllocationBps: bigint;
  readonly modelMinStake: bigint;
  readonly modelArchitectureVersion: bigint;
  readonly modelRevealSlashRateBps: bigint;
  readonly modelTallySlashRateBps: bigint;
  readonly targetEpochFeeCollection: bigint;
  readonly baseFee: bigint;
  readonly writeObjectFee: bigint;
  readonly valueFeeBps: bigint;
  readonly minValueFeeBps: bigint;
  readonly maxValueFeeBps: bigint;
  readonly feeAdjustmentRateBps: bigint;
  readonly targetModelsPerTarget: bigint;
  readonly targetEmbeddingDim: bigint;
  /** f32. */
  readonly targetInitialDistanceThreshold: number;
  readonly targetRewardAllocationBps: bigint;
  readonly targetHitsPerEpoch: bigint;
  readonly targetHitsEmaDecayBps: bigint;
  readonly targetDifficultyAdjustmentRateBps: bigint;
  /** f32. */
  readonly targetMaxDistanceThreshold: number;
  /** f32. */
  readonly targetMinDistanceThreshold: number;
  readonly targetInitialTargetsPerEpoch: bigint;
  readonly targetSubmitterRewardShareBps: bigint;
  readonly targetModelRewardShareBps: bigint;
  readonly targetClaimerIncentiveBps: bigint;
  readonly submissionBondPerByte: bigint;
  readonly maxSubmissionDataSize: bigint;
}

/** Genesis parameters that differ from the protocol version. */
export type ParameterOverrides = Partial<SystemParameters>;

/**
 * The parameters of a protocol version with its initial value fee.
 *
 * @throws QuarryError `UNSUPPORTED` for an unknown version
 */
export function systemParameters(protocolVersion: bigint, overrides: ParameterOverrides = {}): SystemParameters {
  const config = protocolConfig(protocolVersion);
  return { ...config, valueFeeBps: config.initialValueFeeBps, ...overrides };
}
