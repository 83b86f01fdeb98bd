import { decodeSignedTransaction, type ObjectRef } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { Journal } from '../journal/journal.js';

export interface QuarantineSignedCoinsDeps {
  readonly account: Pick<SomaAccount, 'pool'>;
  readonly journal: Pick<Journal, 'submissions' | 'claims'>;
}

/**
 * Quarantines the gas coins of journalled transactions with unknown outcome: another transaction with the same coin
 * version could lock the coin until the epoch ends. Call this before signing anything for a journal.
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

/** The gas coins; empty for undecodable bytes, which cannot be sent again anyway. */
function coinsOf(signed: Uint8Array): readonly ObjectRef[] {
  try {
    return decodeSignedTransaction(signed).data.gasPayment;
  } catch {
    return [];
  }
}
