/** What the chain's parameters say about submissions. */
export interface SubmissionLimits {
  /** Shannons. */
  readonly bondPerByte: bigint;
  readonly maxBytes: number;
  /** The submitter's part of a target's reward, basis points. */
  readonly rewardShareBps: bigint;
}
