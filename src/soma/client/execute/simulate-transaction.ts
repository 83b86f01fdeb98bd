import {
  SimulateTransactionRequest_TransactionChecks as Checks,
  TransactionExecutionService,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { type TransactionData, transactionDigest, transactionToRpc } from '../../chain/index.js';
import { type CallControl, type ClientContext, controlOf } from '../context.js';
import { type ExecutedTransaction, executedFrom } from '../view/executed-transaction.js';
import { required } from '../view/required.js';
import type { TransactionResult } from './execute-transaction.js';

export interface SimulateTransactionOptions extends CallControl {
  /** False skips the checks of inputs and gas. Default true. */
  readonly checks?: boolean;
}

/**
 * What a transaction would do now. Without a gas payment the node picks coins of the sender, or a mock coin.
 *
 * @throws QuarryError `REMOTE_FAILURE` when an input is unknown, stale or somebody else's: the node says which at once,
 *   where executing would take up to 90 s
 */
export async function simulateTransaction(
  client: ClientContext,
  data: TransactionData,
  options: SimulateTransactionOptions = {},
): Promise<TransactionResult> {
  const answer = await client.transport.unary(
    TransactionExecutionService.method.simulateTransaction,
    {
      transaction: transactionToRpc(data),
      checks: options.checks === false ? Checks.DISABLED : Checks.ENABLED,
      // Never absent: the node would compute digests over a form of the transaction that it cannot always serialise.
      readMask: { paths: ['transaction.effects', 'transaction.balance_changes', 'transaction.objects.objects'] },
    },
    controlOf(options),
  );
  const executed: ExecutedTransaction = executedFrom(required(answer.transaction, 'transaction'));
  return {
    digest: transactionDigest(data),
    effects: required(executed.effects, 'transaction.effects'),
    balanceChanges: executed.balanceChanges,
    objects: executed.objects,
    checkpoint: undefined,
  };
}
