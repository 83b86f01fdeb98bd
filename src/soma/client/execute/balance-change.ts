import { QuarryError } from '../../../errors/index.js';
import { type Backoff, backoffDelayMs } from '../../../http/index.js';
import type { Address } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { findResult } from './find-result.js';
import type { TransactionResult } from './transaction-result.js';

/** How often, and at what intervals, a node is asked what a transaction did to a balance. */
const READS = 10;
const PAUSE: Backoff = { baseMs: 200, maxMs: 2_000 };

/**
 * What a transaction did to the balance of `address`, in shannons, its fee included. Where its answer was lost and it
 * was looked up instead, the node knows the change only once a checkpoint holds the transaction.
 *
 * @throws QuarryError `OUTCOME_UNKNOWN` when the node keeps not telling: that is not a change of 0
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
