import { QuarryError } from '../../../errors/index.js';
import type { Digest, ReportedEffects } from '../../chain/index.js';
import type { BalanceChange, ExecutedTransaction } from '../decode/executed-transaction.js';
import type { PartialObject } from '../decode/object.js';
import { required } from '../decode/required.js';

/** Result of a transaction. `effects.status` tells whether it succeeded. */
export interface TransactionResult {
  readonly digest: Digest;
  readonly effects: ReportedEffects;
  readonly balanceChanges: readonly BalanceChange[];
  /** Objects written, if requested. */
  readonly objects: readonly PartialObject[];
  /** Number of the checkpoint that contains it, once known. */
  readonly checkpoint: bigint | undefined;
}

/**
 * Converts a node's response for the transaction `digest` to a result.
 *
 * @throws QuarryError `PROTOCOL` when the response has no effects, or those of another transaction
 */
export function resultOf(executed: ExecutedTransaction, digest: Digest): TransactionResult {
  const { balanceChanges, objects, checkpoint } = executed;
  const effects = required(executed.effects, 'effects');
  if (effects.transactionDigest !== digest) {
    throw new QuarryError('PROTOCOL', `the node answered with the effects of a transaction other than ${digest}`, {
      details: { digest, answered: effects.transactionDigest },
    });
  }
  return { digest, effects, balanceChanges, objects, checkpoint };
}
