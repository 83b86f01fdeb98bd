import { type ErrorCode, type QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import type { SignedTransaction } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { type ExecuteTransactionOptions, executeTransaction } from './execute-transaction.js';
import { findResult } from './find-result.js';
import type { TransactionResult } from './transaction-result.js';

/** Outcome of a signed transaction. */
export type Recovery =
  /** It is final, whether successful or failed. */
  | { readonly kind: 'executed'; readonly result: TransactionResult }
  /** It was never executed and never can be; nothing was charged. */
  | { readonly kind: 'impossible'; readonly reason: QuarryError }
  /** It may have been executed, or still may be: ask again later, and do not sign a replacement. */
  | { readonly kind: 'unknown'; readonly reason: QuarryError };

/**
 * Rejections after which these bytes can never be executed, unless they already were. Locks are not included: they end
 * with the epoch at the latest.
 */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'OBJECT_STALE',
  'TRANSACTION_REJECTED',
  'SIGNATURE_INVALID',
  'INVALID_ARGUMENT',
  'DATA_TOO_LARGE',
]);

/**
 * Determines the outcome of a signed transaction that was sent earlier, or was about to be, by sending the same bytes
 * again: if it was executed, this returns its effects; if not, it is executed now. It never counts twice. A rejection
 * may be a consequence of its own success, so it is believed only if the ledger still does not know the digest after
 * several look-ups.
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
