import { QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { TransactionExecutionService } from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { backoffDelayMs } from '../../../net/index.js';
import type { SignedTransaction } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { executedFrom } from '../decode/executed-transaction.js';
import { required } from '../decode/required.js';
import { executionRequest } from './execution-request.js';
import { findResult } from './find-result.js';
import { readRejection } from './rejection.js';
import { resultOf, type TransactionResult } from './transaction-result.js';

export type { TransactionResult } from './transaction-result.js';

export interface ExecuteTransactionOptions extends CallOptions {
  /** Also return the written objects, which include the system state. Default false. */
  readonly withObjects?: boolean | undefined;
  /** Total calls while the outcome is unknown. Each sends the same bytes, which is safe. Default 4. */
  readonly attempts?: number | undefined;
  /** No further call starts after this time, milliseconds. Default 60,000; a call itself can take up to 120 s. */
  readonly resendMs?: number | undefined;
}

/** The node waits up to 90 s for finality, so the call needs a longer timeout. */
const EXECUTE_TIMEOUT_MS = 120_000;
// Never `digest` or `transaction`: the node computes them from another form and may fail. `objects` alone returns
// nothing.
const MASK: readonly string[] = ['effects', 'balance_changes'];
const MASK_WITH_OBJECTS: readonly string[] = [...MASK, 'objects.objects'];

/**
 * Executes a signed transaction and returns once it is final. A transaction that executes but fails is also a result.
 * If a call breaks off, looks up the outcome by digest and sends the same bytes again.
 *
 * @throws QuarryError `OBJECT_LOCKED` or `OBJECT_STALE`, with the object's id in its details
 * @throws QuarryError `TRANSACTION_REJECTED` or `SIGNATURE_INVALID` when the node refuses it
 * @throws QuarryError `OUTCOME_UNKNOWN` when its outcome cannot be determined
 */
export async function executeTransaction(
  client: ClientContext,
  signed: SignedTransaction,
  options: ExecuteTransactionOptions = {},
): Promise<TransactionResult> {
  const mask = options.withObjects ? MASK_WITH_OBJECTS : MASK;
  const request = executionRequest(signed, mask);
  const attempts = options.attempts ?? 4;
  const resendUntil = client.now() + (options.resendMs ?? 60_000);
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await client.transport.unary(TransactionExecutionService.method.executeTransaction, request, {
        timeoutMs: options.timeoutMs ?? EXECUTE_TIMEOUT_MS,
        // The loop around this call decides when to retry.
        attempts: 1,
        signal: options.signal,
      });
      return resultOf(executedFrom(required(answer.transaction, 'transaction')), signed.digest);
    } catch (caught) {
      const failure = toQuarryError(caught, 'executing the transaction');
      if (options.signal?.aborted) {
        throw new QuarryError('ABORTED', `transaction ${signed.digest} was sent without waiting for its outcome`, {
          hint: 'look it up by its digest',
          details: { digest: signed.digest },
          cause: failure,
        });
      }
      const { outcome, error } = readRejection(failure, signed.digest);
      // A rejection of the first call is final. A rejection of a later call may be a consequence of our own success.
      if (outcome === 'refused' && attempt === 1) throw error;
      // Not found, or the node is still away: send the same bytes again. After a rejection, look more patiently.
      const reads = outcome === 'refused' ? 4 : 1;
      const control = { signal: options.signal };
      const found = await findResult(client, signed.digest, { reads, ...control }).catch(() => undefined);
      if (found !== undefined) return found;
      // A coin may be stale or locked because an earlier call of ours is still in flight. The outcome then stays
      // unknown, as a transaction with other coins could be a second one.
      if (outcome === 'refused' && error.code !== 'OBJECT_STALE' && error.code !== 'OBJECT_LOCKED') throw error;
      if (attempt >= attempts || client.now() >= resendUntil) {
        throw new QuarryError('OUTCOME_UNKNOWN', `the outcome is unknown for transaction ${signed.digest}`, {
          hint: 'look it up by its digest, or send the same signed bytes again',
          details: { digest: signed.digest, attempts: attempt },
          cause: error,
        });
      }
    }
    await client.sleep(backoffDelayMs(attempt - 1, { baseMs: 300, maxMs: 5_000 }, client.random), options.signal);
    throwIfAborted(options.signal, 'executing the transaction');
  }
}
