import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import type { Digest } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type ExecutedTransaction, executedFrom } from '../decode/executed-transaction.js';
import { required } from '../decode/required.js';
import type { ReadMask } from '../read-mask.js';
import { errorOfStatus, type GrpcError, methodPath } from '../transport/index.js';
import { safeTransactionMask } from './transaction-mask.js';

const DEFAULT_MASK: readonly string[] = ['digest', 'effects', 'checkpoint', 'timestamp', 'balance_changes'];

export interface GetTransactionOptions extends CallOptions {
  /**
   * Relative to ExecutedTransaction; see `safeTransactionMask` for `*` and `transaction`. Default: digest, effects,
   * checkpoint, timestamp and balance changes.
   */
  readonly readMask?: ReadMask | undefined;
}

/**
 * Looks up a transaction by its digest.
 *
 * @throws QuarryError `NOT_FOUND` when the node knows no such executed transaction
 */
export async function getTransaction(
  client: ClientContext,
  digest: Digest,
  options: GetTransactionOptions = {},
): Promise<ExecutedTransaction> {
  const answer = await client.transport.unary(
    LedgerService.method.getTransaction,
    { digest, readMask: { paths: safeTransactionMask(options.readMask ?? DEFAULT_MASK) } },
    controlOf(options),
  );
  return executedFrom(required(answer.transaction, 'transaction'));
}

/**
 * Looks up several transactions in one call. The result has one entry per digest, in order: the transaction, or the
 * node's error.
 */
export async function batchGetTransactions(
  client: ClientContext,
  digests: readonly Digest[],
  options: GetTransactionOptions = {},
): Promise<(ExecutedTransaction | GrpcError)[]> {
  const method = LedgerService.method.batchGetTransactions;
  const answer = await client.transport.unary(
    method,
    { digests: [...digests], readMask: { paths: safeTransactionMask(options.readMask ?? DEFAULT_MASK) } },
    controlOf(options),
  );
  return digests.map((_, index) => {
    const item = required(answer.transactions[index]?.result, `transactions[${index}]`);
    if (item.case === 'error') return errorOfStatus(item.value, methodPath(method));
    return executedFrom(required(item.value, `transactions[${index}].transaction`));
  });
}
