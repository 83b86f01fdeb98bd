import { QuarryError } from '../../errors/index.js';

/** The protocol constants of one version. Amounts are shannons, rates basis points. */
export interface ProtocolConfig {
  readonly protocolVersion: number;
  readonly executionVersion: number;
  /** Cosine distances as f32 values. */
  readonly targetInitialDistanceThreshold: number;
  readonly targetMinDistanceThreshold: number;
  readonly targetMaxDistanceThreshold: number;
  readonly targetHitsPerEpoch: bigint;
  readonly targetHitsEmaDecayBps: bigint;
  readonly targetDifficultyAdjustmentRateBps: bigint;
  /** Minimum difficulty step in standard deviations; `undefined` if the threshold is scaled instead. */
  readonly minimumZStep: number | undefined;
  readonly targetInitialTargetsPerEpoch: bigint;
  readonly submissionBondPerByte: bigint;
  /** Divides an epoch's target allocation to give the reward per target. */
  readonly rewardDenominator: 'initialTargets' | 'hitsPerEpoch';
  /** Whether an epoch's targets are limited by its emission. */
  readonly hasPerEpochTargetBudget: boolean;
  /** Whether a failed transaction still gives all its mutable inputs new versions, which releases their locks. */
  readonly bumpsVersionsOnFailure: boolean;

  readonly epochDurationMs: bigint;
  readonly validatorRewardAllocationBps: bigint;
  readonly rewardSlashingRateBps: bigint;
  readonly modelMinStake: bigint;
  readonly modelArchitectureVersion: bigint;
  readonly modelRevealSlashRateBps: bigint;
  readonly modelTallySlashRateBps: bigint;
  readonly targetEpochFeeCollection: bigint;
  readonly baseFee: bigint;
  readonly writeObjectFee: bigint;
  readonly initialValueFeeBps: bigint;
  readonly minValueFeeBps: bigint;
  readonly maxValueFeeBps: bigint;
  readonly feeAdjustmentRateBps: bigint;
  readonly targetModelsPerTarget: bigint;
  readonly targetEmbeddingDim: bigint;
  readonly targetRewardAllocationBps: bigint;
  readonly targetSubmitterRewardShareBps: bigint;
  readonly targetModelRewardShareBps: bigint;
  readonly targetClaimerIncentiveBps: bigint;
  readonly maxSubmissionDataSize: bigint;
  readonly minCheckpointIntervalMs: bigint;
  readonly consensusMaxTransactionSizeBytes: bigint;
  readonly consensusMaxTransactionsInBlockBytes: bigint;
  readonly consensusMaxNumTransactionsInBlock: bigint;
  readonly maxTransactionsPerCheckpoint: bigint;
  readonly maxCheckpointSizeBytes: bigint;
  readonly consensusGcDepth: bigint;
  readonly bufferStakeForProtocolUpgradeBps: bigint;
}

/** The oldest and newest supported protocol versions. `protocol-config/src/lib.rs`. */
export const PROTOCOL_VERSIONS = { min: 1, max: 5 } as const;

type Varying =
  | 'executionVersion'
  | 'targetInitialDistanceThreshold'
  | 'targetMinDistanceThreshold'
  | 'targetMaxDistanceThreshold'
  | 'targetHitsPerEpoch'
  | 'targetHitsEmaDecayBps'
  | 'targetDifficultyAdjustmentRateBps'
  | 'minimumZStep'
  | 'targetInitialTargetsPerEpoch'
  | 'submissionBondPerByte'
  | 'rewardDenominator'
  | 'hasPerEpochTargetBudget'
  | 'bumpsVersionsOnFailure';

const UNCHANGED: Omit<ProtocolConfig, Varying | 'protocolVersion'> = {
  epochDurationMs: 86_400_000n,
  validatorRewardAllocationBps: 7000n,
  rewardSlashingRateBps: 5000n,
  modelMinStake: 1_000_000_000n,
  modelArchitectureVersion: 1n,
  modelRevealSlashRateBps: 5000n,
  modelTallySlashRateBps: 9500n,
  targetEpochFeeCollection: 1_000_000_000n,
  baseFee: 1000n,
  writeObjectFee: 300n,
  initialValueFeeBps: 10n,
  minValueFeeBps: 1n,
  maxValueFeeBps: 50n,
  feeAdjustmentRateBps: 1250n,
  targetModelsPerTarget: 3n,
  targetEmbeddingDim: 2048n,
  targetRewardAllocationBps: 8000n,
  targetSubmitterRewardShareBps: 4975n,
  targetModelRewardShareBps: 4975n,
  targetClaimerIncentiveBps: 50n,
  maxSubmissionDataSize: 1_048_576n,
  minCheckpointIntervalMs: 200n,
  consensusMaxTransactionSizeBytes: 262_144n,
  consensusMaxTransactionsInBlockBytes: 524_288n,
  consensusMaxNumTransactionsInBlock: 512n,
  maxTransactionsPerCheckpoint: 20_000n,
  maxCheckpointSizeBytes: 31_457_280n,
  consensusGcDepth: 60n,
  bufferStakeForProtocolUpgradeBps: 5000n,
};

const V1: ProtocolConfig = {
  ...UNCHANGED,
  protocolVersion: 1,
  executionVersion: 0,
  targetInitialDistanceThreshold: Math.fround(2),
  targetMinDistanceThreshold: Math.fround(0.1),
  targetMaxDistanceThreshold: Math.fround(2),
  targetHitsPerEpoch: 16n,
  targetHitsEmaDecayBps: 7000n,
  targetDifficultyAdjustmentRateBps: 1000n,
  minimumZStep: undefined,
  targetInitialTargetsPerEpoch: 20n,
  submissionBondPerByte: 10n,
  rewardDenominator: 'initialTargets',
  hasPerEpochTargetBudget: false,
  bumpsVersionsOnFailure: false,
};

const V2: ProtocolConfig = { ...V1, protocolVersion: 2, executionVersion: 1, bumpsVersionsOnFailure: true };

const V3: ProtocolConfig = {
  ...V2,
  protocolVersion: 3,
  executionVersion: 2,
  targetInitialDistanceThreshold: Math.fround(0.978),
  targetMinDistanceThreshold: Math.fround(0.95),
  targetHitsPerEpoch: 86_400n,
  targetHitsEmaDecayBps: 9000n,
  targetDifficultyAdjustmentRateBps: 200n,
  minimumZStep: 0.1,
  submissionBondPerByte: 65n,
  rewardDenominator: 'hitsPerEpoch',
  hasPerEpochTargetBudget: true,
};

const V4: ProtocolConfig = { ...V3, protocolVersion: 4, targetDifficultyAdjustmentRateBps: 10_000n };

const V5: ProtocolConfig = {
  ...V4,
  protocolVersion: 5,
  targetInitialDistanceThreshold: Math.fround(1.05),
  minimumZStep: 2,
  targetInitialTargetsPerEpoch: 100n,
};

const CONFIGS: readonly ProtocolConfig[] = [V1, V2, V3, V4, V5];

/**
 * The constants of a protocol version. A running network may override some; the effective values are in its
 * SystemState.
 *
 * @param version 1 to 5
 * @throws QuarryError `UNSUPPORTED` for an unknown version
 */
export function protocolConfig(version: number | bigint): ProtocolConfig {
  const config = CONFIGS[Number(version) - 1];
  if (config === undefined) {
    throw new QuarryError('UNSUPPORTED', `unknown protocol version ${version}; 1 to 5 are known`, {
      details: { version },
    });
  }
  return config;
}
