import { QuarryError, toQuarryError } from '../../errors/index.js';
import { ExecutionError } from '../../soma/client/decode/execution-error.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { SubmissionOutcome } from '../run/events.js';

/** Execution failures which mean that another miner, or the end of the epoch, was faster. */
const LOST_KINDS: ReadonlySet<string> = new Set([
  'targetNotOpen',
  'targetExpired',
  'targetNotFound',
  'inputObjectDeleted',
]);

/** Errors which rule out that the transaction was or will be executed. */
const REFUSED_CODES: ReadonlySet<string> = new Set([
  'OBJECT_LOCKED',
  'OBJECT_STALE',
  'TRANSACTION_REJECTED',
  'SIGNATURE_INVALID',
  'FAILED_PRECONDITION',
  'UNSUPPORTED',
  'INVALID_ARGUMENT',
]);

/** Outcome of an executed submission. */
export function outcomeOfResult({ effects }: Pick<TransactionResult, 'effects'>): SubmissionOutcome {
  const feeShannons = effects.fee.totalFee;
  if (effects.status.kind === 'success') return { kind: 'accepted', feeShannons };
  const { kind: reason } = effects.status.error;
  return { kind: LOST_KINDS.has(reason) ? 'lost' : 'rejected', reason, feeShannons };
}

/** Outcome of a submission whose call failed: `unknown` unless the error rules out execution. */
export function outcomeOfError(error: unknown): SubmissionOutcome {
  if (error instanceof ExecutionError) return outcomeOfResult(error);
  const failure = toQuarryError(error, 'submitting');
  if (REFUSED_CODES.has(failure.code)) return { kind: 'rejected', reason: failure.message, feeShannons: 0n };
  return { kind: 'unknown', reason: failure.message };
}

/** A `catch` handler that maps `NOT_FOUND` to undefined and rethrows everything else. */
export function notFoundAsUndefined(error: unknown): undefined {
  if (error instanceof QuarryError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
