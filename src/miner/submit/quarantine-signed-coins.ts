import { decodeSignedTransaction, type ObjectRef } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { Journal } from '../journal/journal.js';

export interface QuarantineSignedCoinsDeps {
  readonly account: Pick<SomaAccount, 'pool'>;
  readonly journal: Pick<Journal, 'submissions' | 'claims'>;
}

/**
 * Sets coins aside that an earlier life's transactions name whose outcome is not known: a new transaction over the same
 * version could lock both until the epoch ends. Everything that signs over a journal calls this first.
 *
 * @throws QuarryError when the coins cannot be read, or `ABORTED` when the signal fires
 */
export async function quarantineSignedCoins(
  { account, journal }: QuarantineSignedCoinsDeps,
  signal: AbortSignal,
): Promise<void> {
  await account.pool.ready(signal);
  const signed = [...journal.submissions.unsettled().map((each) => each.signed), ...journal.claims.signed()];
  account.pool.quarantineNamed(signed.flatMap(coinsOf));
}

/** The coins that pay; none when the bytes cannot be read, which nothing can be sent from either. */
function coinsOf(signed: Uint8Array): readonly ObjectRef[] {
  try {
    return decodeSignedTransaction(signed).data.gasPayment;
  } catch {
    return [];
  }
}
