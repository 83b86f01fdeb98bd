import type { SystemParameters } from '../../soma/client/decode/system-state.js';

/** The chain parameters that concern submissions. */
export interface SubmissionLimits {
  /** Shannons. */
  readonly bondPerByte: bigint;
  readonly maxBytes: number;
  /** The submitter's share of a target's reward, basis points. */
  readonly rewardShareBps: bigint;
}

/** Extracts the limits; all zero while the parameters are unknown. */
export function limitsOf(parameters: SystemParameters | undefined): SubmissionLimits {
  return {
    bondPerByte: parameters?.submissionBondPerByte ?? 0n,
    maxBytes: Number(parameters?.maxSubmissionDataSize ?? 0n),
    rewardShareBps: parameters?.targetSubmitterRewardShareBps ?? 0n,
  };
}
