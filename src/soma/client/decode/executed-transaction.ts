import { QuarryError } from '../../../errors/index.js';
import type { ExecutedTransaction as ExecutedTransactionMessage } from '../../../gen/soma/rpc/executed_transaction_pb.js';
import {
  type Address,
  type Digest,
  effectsFromRpc,
  existingAmount,
  type ReportedEffects,
  timestampFromRpc,
} from '../../chain/index.js';
import { type PartialObject, partialObjectFrom } from './object.js';
import { requiredId } from './required.js';

/** Change of an address's balance, including fees. */
export interface BalanceChange {
  readonly address: Address;
  /** Signed. */
  readonly amountShannons: bigint;
}

/** The parts of an executed transaction selected by a read mask. */
export interface ExecutedTransaction {
  readonly digest: Digest | undefined;
  readonly effects: ReportedEffects | undefined;
  /** Sequence number; absent until the transaction is in a checkpoint. */
  readonly checkpoint: bigint | undefined;
  readonly timestampMs: bigint | undefined;
  readonly balanceChanges: readonly BalanceChange[];
  readonly objects: readonly PartialObject[];
}

/** Signed 128-bit decimals have at most 40 characters. */
const SIGNED_DECIMAL = /^-?\d{1,39}$/;

function signedDecimal(text: string | undefined): bigint {
  if (text !== undefined && SIGNED_DECIMAL.test(text)) return existingAmount(BigInt(text), 'balance change');
  throw new QuarryError('PROTOCOL', 'the node sent a balance change without a decimal amount');
}

function effectsOf(message: Parameters<typeof effectsFromRpc>[0]): ReportedEffects {
  const effects = effectsFromRpc(message);
  for (const [name, amount] of Object.entries(effects.fee)) existingAmount(amount, name);
  return effects;
}

/**
 * Decodes an executed transaction.
 *
 * @throws QuarryError `PROTOCOL` when something is missing or unreadable, or an amount exceeds the supply
 */
export function executedFrom(message: ExecutedTransactionMessage): ExecutedTransaction {
  return {
    digest: message.digest ?? message.effects?.transactionDigest,
    effects: message.effects === undefined ? undefined : effectsOf(message.effects),
    checkpoint: message.checkpoint,
    timestampMs: message.timestamp === undefined ? undefined : timestampFromRpc(message.timestamp),
    balanceChanges: message.balanceChanges.map((change) => ({
      address: requiredId(change.address, 'balance_change.address'),
      amountShannons: signedDecimal(change.amount),
    })),
    objects: (message.objects?.objects ?? []).map(partialObjectFrom),
  };
}
