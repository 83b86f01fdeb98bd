import { type ErrorCode, type QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import type { SignedTransaction } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { type ExecuteTransactionOptions, executeTransaction } from './execute-transaction.js';
import { findResult } from './find-result.js';
import type { TransactionResult } from './transaction-result.js';

/** What became of a signed transaction. */
export type Recovery =
  /** It is final, as a success or a failure. */
  | { readonly kind: 'executed'; readonly result: TransactionResult }
  /** It was never executed and never can be; nothing was charged. */
  | { readonly kind: 'impossible'; readonly reason: QuarryError }
  /** It may have been executed, or may still be: ask again later, sign no other in its place. */
  | { readonly kind: 'unknown'; readonly reason: QuarryError };

/**
 * Refusals after which these very bytes can never be executed, unless they were already. A lock is none: it ends with
 * the epoch at the latest.
 */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'OBJECT_STALE',
  'TRANSACTION_REJECTED',
  'SIGNATURE_INVALID',
  'INVALID_ARGUMENT',
  'DATA_TOO_LARGE',
]);

/**
 * Finds out what became of a signed transaction that was sent earlier, or was about to be. The very same bytes are sent
 * again: one that was executed answers with its effects, one that was not is executed now. In no case does it count
 * twice. A refusal may be the echo of its own success, so it is believed only when the ledger keeps not knowing the
 * digest.
 *
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function recoverTransaction(
  client: ClientContext,
  signed: SignedTransaction,
  options: ExecuteTransactionOptions = {},
): Promise<Recovery> {
  const { signal } = options;
  let refusal: QuarryError;
  try {
    return { kind: 'executed', result: await executeTransaction(client, signed, options) };
  } catch (error) {
    throwIfAborted(signal, 'recovering a transaction');
    refusal = toQuarryError(error, 'recovering a transaction');
  }
  try {
    const result = await findResult(client, signed.digest, { signal });
    if (result !== undefined) return { kind: 'executed', result };
  } catch (error) {
    throwIfAborted(signal, 'recovering a transaction');
    return { kind: 'unknown', reason: toQuarryError(error, 'recovering a transaction') };
  }
  return { kind: FINAL.has(refusal.code) ? 'impossible' : 'unknown', reason: refusal };
}
