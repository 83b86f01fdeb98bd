import type { SystemParameters } from '../../soma/client/decode/system-state.js';

/** What the chain's parameters say about submissions. */
export interface SubmissionLimits {
  /** Shannons. */
  readonly bondPerByte: bigint;
  readonly maxBytes: number;
  /** The submitter's part of a target's reward, basis points. */
  readonly rewardShareBps: bigint;
}

/** The limits in the parameters; all zero before they are known. */
export function limitsOf(parameters: SystemParameters | undefined): SubmissionLimits {
  return {
    bondPerByte: parameters?.submissionBondPerByte ?? 0n,
    maxBytes: Number(parameters?.maxSubmissionDataSize ?? 0n),
    rewardShareBps: parameters?.targetSubmitterRewardShareBps ?? 0n,
  };
}
