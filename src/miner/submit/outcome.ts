import { QuarryError, toQuarryError } from '../../errors/index.js';
import { ExecutionError } from '../../soma/client/decode/execution-error.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { SubmissionOutcome } from '../run/events.js';

/** Failures that mean another miner, or the clock, was faster. */
const LOST_KINDS: ReadonlySet<string> = new Set([
  'targetNotOpen',
  'targetExpired',
  'targetNotFound',
  'inputObjectDeleted',
]);

/** Answers after which the transaction was not executed and never will be. */
const REFUSED_CODES: ReadonlySet<string> = new Set([
  'OBJECT_LOCKED',
  'OBJECT_STALE',
  'TRANSACTION_REJECTED',
  'SIGNATURE_INVALID',
  'FAILED_PRECONDITION',
  'UNSUPPORTED',
  'INVALID_ARGUMENT',
]);

/** What an executed submission came to. */
export function outcomeOfResult({ effects }: Pick<TransactionResult, 'effects'>): SubmissionOutcome {
  const feeShannons = effects.fee.totalFee;
  if (effects.status.kind === 'success') return { kind: 'accepted', feeShannons };
  const { kind: reason } = effects.status.error;
  return { kind: LOST_KINDS.has(reason) ? 'lost' : 'rejected', reason, feeShannons };
}

/** What a submission came to whose call failed. Only an answer that rules execution out is final. */
export function outcomeOfError(error: unknown): SubmissionOutcome {
  if (error instanceof ExecutionError) return outcomeOfResult(error);
  const failure = toQuarryError(error, 'submitting');
  if (REFUSED_CODES.has(failure.code)) return { kind: 'rejected', reason: failure.message, feeShannons: 0n };
  return { kind: 'unknown', reason: failure.message };
}

/** @throws the error itself unless it says that there is no such thing */
export function notFoundAsUndefined(error: unknown): undefined {
  if (error instanceof QuarryError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
