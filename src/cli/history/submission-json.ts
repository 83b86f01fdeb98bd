import type { PastSubmission } from '../../miner/index.js';

/** Converts a past submission to plain data: times as ISO 8601, amounts as bigints. */
export function submissionJson(submission: PastSubmission): Record<string, unknown> {
  const { outcome, atMs, seenAtMs, settledAtMs, claim, ...rest } = submission;
  return {
    targetId: rest.targetId,
    outcome: outcome === 'built' ? 'pending' : outcome,
    rewardShannons: rest.rewardShannons,
    latencyMs: rest.latencyMs ?? null,
    seenAt: isoTime(seenAtMs),
    node: rest.node,
    at: isoTime(atMs),
    reason: rest.reason,
    settledAt: isoTime(settledAtMs),
    epoch: rest.epoch,
    modelId: rest.modelId,
    origin: rest.origin,
    distance: rest.distance,
    threshold: rest.threshold,
    poolShannons: rest.poolShannons,
    bondShannons: rest.bondShannons,
    feeShannons: rest.feeShannons,
    checksum: rest.checksum,
    digest: rest.digest,
    ...(claim !== undefined && {
      claim: {
        state: claim.state,
        dueEpoch: claim.dueEpoch,
        receivedShannons: claim.receivedShannons,
        feeShannons: claim.feeShannons,
        at: isoTime(claim.settledAtMs),
      },
    }),
  };
}

/** Converts milliseconds since the Unix epoch to ISO 8601; keeps `undefined`. */
export function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
