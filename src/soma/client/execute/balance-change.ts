import { QuarryError } from '../../../errors/index.js';
import { type Backoff, backoffDelayMs } from '../../../net/index.js';
import type { Address } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { findResult } from './find-result.js';
import type { TransactionResult } from './transaction-result.js';

/** Number and interval of reads of a transaction's balance changes. */
const READS = 10;
const PAUSE: Backoff = { baseMs: 200, maxMs: 2_000 };

/**
 * Change of the balance of `address` by a transaction, in shannons, including its fee. If the response was lost and the
 * transaction was looked up, the node knows the change only once it is in a checkpoint.
 *
 * @throws QuarryError `OUTCOME_UNKNOWN` when the node never reports it, as that does not mean a change of 0
 */
export async function balanceChange(
  client: ClientContext,
  { digest, balanceChanges }: Pick<TransactionResult, 'digest' | 'balanceChanges'>,
  address: Address,
  { signal }: CallOptions = {},
): Promise<bigint> {
  let changes = balanceChanges;
  for (let read = 0; ; read++) {
    const change = changes.find((each) => each.address === address);
    if (change !== undefined) return change.amountShannons;
    if (read >= READS) {
      throw new QuarryError(
        'OUTCOME_UNKNOWN',
        `the node does not report the balance changes of transaction ${digest}`,
        {
          hint: 'ask again later',
          details: { digest },
        },
      );
    }
    await client.sleep(backoffDelayMs(read, PAUSE, client.random), signal);
    const found = await findResult(client, digest, { reads: 1, signal });
    changes = found?.balanceChanges ?? [];
  }
}
