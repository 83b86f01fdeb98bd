import type { SignedTransaction } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import type { CheckpointWaiter } from '../watch/checkpoint-waiter.js';
import { type ExecuteTransactionOptions, executeTransaction, type TransactionResult } from './execute-transaction.js';
import { type WaitOptions, waitForCheckpoint } from './wait-for-checkpoint.js';

/** Options for executing and for the wait afterwards. */
export type ExecuteAndWaitOptions = ExecuteTransactionOptions & WaitOptions;

/**
 * Executes a signed transaction and waits until it is in a checkpoint, after which balances and lists reflect it. If
 * the wait times out, the result has no `checkpoint`, but the transaction is still final.
 */
export async function executeAndWait(
  client: ClientContext,
  hub: CheckpointWaiter,
  signed: SignedTransaction,
  options: ExecuteAndWaitOptions = {},
): Promise<TransactionResult> {
  // Before executing: the checkpoint may arrive before the response.
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
