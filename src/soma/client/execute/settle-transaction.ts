import { QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { backoffDelayMs } from '../../../http/index.js';
import type { SignedTransaction } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { getTransaction } from '../read/get-transaction.js';
import { executeTransaction, type TransactionResult } from './execute-transaction.js';

/** Refusals after which these very bytes can never be executed, unless they were already. */
const FINAL: ReadonlySet<QuarryError['code']> = new Set(['OBJECT_STALE', 'TRANSACTION_REJECTED', 'SIGNATURE_INVALID']);
/** A fullnode may hear of a used coin a moment before it knows the transaction that used it. */
const READS = 5;
const READ_BACKOFF = { baseMs: 300, maxMs: 2_000 } as const;

/**
 * What became of a signed transaction that an earlier run sent, or was about to send. The very same bytes are sent again:
 * one that was executed answers with its effects, one that was not is executed now. In no case does it count twice.
 *
 * @returns `undefined` when it was never executed and never can be, because its coins have moved on
 * @throws QuarryError when that cannot be found out now
 */
export async function settleTransaction(
  client: ClientContext,
  signed: SignedTransaction,
  options: CallOptions = {},
): Promise<TransactionResult | undefined> {
  try {
    return await executeTransaction(client, signed, options);
  } catch (error) {
    if (!(error instanceof QuarryError) || !FINAL.has(error.code)) throw error;
  }
  // The refusal may be the echo of its own success.
  for (let read = 0; read < READS; read++) {
    throwIfAborted(options.signal, 'settling a transaction');
    try {
      const { effects, balanceChanges, objects, checkpoint } = await getTransaction(client, signed.digest, options);
      if (effects !== undefined) return { digest: signed.digest, effects, balanceChanges, objects, checkpoint };
    } catch (caught) {
      const error = toQuarryError(caught, 'looking up a transaction');
      if (error.code !== 'NOT_FOUND') throw error;
    }
    await client.sleep(backoffDelayMs(read, READ_BACKOFF, client.random), options.signal);
  }
  return undefined;
}
