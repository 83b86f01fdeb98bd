import { type CheckpointSummary, encodeCheckpointSummary } from '../../../soma/chain/checkpoint.js';
import { aggregateSignatures, type ValidatorKey } from '../validator-key.js';

/** An aggregate signature of validators and its signers. */
export interface CertifiedBy {
  readonly epoch: bigint;
  /** Aggregate BLS signature, 48 bytes. */
  readonly signature: Uint8Array;
  /** Indices of the signers in the epoch's committee. */
  readonly bitmap: number[];
}

/** Intent of a checkpoint summary: scope 7, version 0, application 1. `types/src/intent.rs`. */
const SUMMARY_INTENT = Uint8Array.of(7, 0, 1);

/**
 * Creates a function that signs checkpoint summaries with the given validators' keys. Signs the intent, the summary and
 * the epoch; each summary is signed only once.
 */
export function summarySigner(keys: readonly ValidatorKey[]): (summary: CheckpointSummary) => CertifiedBy {
  const known = new WeakMap<CheckpointSummary, CertifiedBy>();
  return (summary) => {
    let certified = known.get(summary);
    if (certified === undefined) {
      const epoch = new Uint8Array(8);
      new DataView(epoch.buffer).setBigUint64(0, summary.epoch, true);
      const message = Buffer.concat([SUMMARY_INTENT, encodeCheckpointSummary(summary), epoch]);
      const signature = aggregateSignatures(keys.map((key) => key.sign(message)));
      certified = { epoch: summary.epoch, signature, bitmap: keys.map((_, index) => index) };
      known.set(summary, certified);
    }
    return certified;
  };
}
