import { toQuarryError } from '../../../errors/index.js';
import {
  SimulateTransactionRequest_TransactionChecks as Checks,
  TransactionExecutionService,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { type TransactionData, transactionDigest, transactionToRpc } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type ExecutedTransaction, executedFrom } from '../decode/executed-transaction.js';
import { required } from '../decode/required.js';
import type { TransactionResult } from './execute-transaction.js';
import { readRejection } from './rejection.js';

export interface SimulateTransactionOptions extends CallOptions {
  /** False skips checks of inputs and gas. Default true. */
  readonly checks?: boolean | undefined;
}

/**
 * Simulates a transaction. Without a gas payment the node uses coins of the sender, or a mock coin.
 *
 * @throws QuarryError `OBJECT_STALE` when the node does not know an input in this version: immediate, whereas executing
 * would take up to 90 s
 * @throws QuarryError `REMOTE_FAILURE` when an input is refused for another reason
 */
export async function simulateTransaction(
  client: ClientContext,
  data: TransactionData,
  options: SimulateTransactionOptions = {},
): Promise<TransactionResult> {
  const digest = transactionDigest(data);
  const answer = await client.transport
    .unary(
      TransactionExecutionService.method.simulateTransaction,
      {
        transaction: transactionToRpc(data, { digest }),
        checks: options.checks === false ? Checks.DISABLED : Checks.ENABLED,
        // Always set: by default the node would compute digests of a form that it cannot always serialise.
        readMask: { paths: ['transaction.effects', 'transaction.balance_changes', 'transaction.objects.objects'] },
      },
      controlOf(options),
    )
    .catch((caught: unknown) => {
      const error = toQuarryError(caught, 'simulating the transaction');
      throw error.code === 'ABORTED' ? error : readRejection(error, digest).error;
    });
  const executed: ExecutedTransaction = executedFrom(required(answer.transaction, 'transaction'));
  return {
    digest,
    effects: required(executed.effects, 'transaction.effects'),
    balanceChanges: executed.balanceChanges,
    objects: executed.objects,
    checkpoint: undefined,
  };
}
