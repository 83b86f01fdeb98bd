import type { SignedTransaction } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import type { CheckpointWaiter } from '../watch/checkpoint-waiter.js';
import { type ExecuteTransactionOptions, executeTransaction, type TransactionResult } from './execute-transaction.js';
import { type WaitOptions, waitForCheckpoint } from './wait-for-transaction.js';

/** How to execute, and how long to wait afterwards. */
export type ExecuteAndWaitOptions = ExecuteTransactionOptions & WaitOptions;

/**
 * Executes a signed transaction and waits until it is in a checkpoint, after which balances and lists reflect it. When
 * the wait is over first, the result has no `checkpoint`: the transaction is final all the same.
 */
export async function executeAndWait(
  client: ClientContext,
  hub: CheckpointWaiter,
  signed: SignedTransaction,
  options: ExecuteAndWaitOptions = {},
): Promise<TransactionResult> {
  // Before executing: the checkpoint may be there before the answer is.
  const ticket = hub.watch(signed.digest);
  try {
    const result = await executeTransaction(client, signed, options);
    if (result.checkpoint !== undefined) return result;
    const checkpoint = await waitForCheckpoint(client, hub, signed.digest, options, ticket);
    return { ...result, checkpoint };
  } finally {
    ticket.cancel();
  }
}
