import {
  deriveId,
  type ObjectId,
  type TransactionData,
  type TransactionKind,
  type TransactionKindName,
} from '../../chain/index.js';
import { refOf } from '../decode/object.js';
import type { TransactionResult } from '../execute/execute-transaction.js';
import type { OwnedCoin } from '../read/list-coins.js';
import type { CoinLease } from './coin-pool.js';

/** A transaction to build with whichever coins are free. */
export interface Plan {
  /** Named in errors. */
  readonly doing: string;
  /** Amount required in the gas coin besides fees: paid, staked or bonded from it. */
  readonly spends: bigint;
  /** Amount that the value fee is charged on. Default `spends`. */
  readonly value?: bigint | undefined;
  /** Objects written, for the fee. */
  readonly writes: number;
  /** Minimum total of the paying coins, if more than the transaction needs. */
  readonly atLeast?: bigint | undefined;
  /** Wait for one coin that suffices instead of merging small ones, which other transactions may need. */
  readonly patient?: boolean | undefined;
  /** Builds the kind, given the coin that pays for gas (and is spent, if the kind spends a coin). */
  readonly build: (gas: OwnedCoin) => TransactionKind;
  /** The kind's name, known before a coin is chosen. */
  readonly kind: TransactionKindName;
  /** Coins created for us: balances by creation number. */
  readonly creates?: ReadonlyMap<number, bigint> | undefined;
  /** Whether others may be faster: coins are then merged only if that cannot be left to other transactions. */
  readonly inRace?: boolean | undefined;
  /** Coins of the pool used by the kind, besides the gas. */
  readonly others?: readonly CoinLease[] | undefined;
}

/** Builds the unsigned transaction of a plan with the coins of a lease. */
export function planToTransaction(plan: Plan, lease: CoinLease, sender: string): TransactionData {
  return { kind: plan.build(lease.coins[0]), sender, gasPayment: lease.coins.map(refOf) };
}

/** Balances of a plan's coins after it took effect, in shannons by id: effects contain versions but no balances. */
export function balancesAfter(
  plan: Plan,
  lease: CoinLease,
  { digest, effects }: TransactionResult,
): Map<ObjectId, bigint> {
  const succeeded = effects.status.kind === 'success';
  const balances = new Map<ObjectId, bigint>();
  for (const other of plan.others ?? []) {
    for (const coin of other.coins) balances.set(coin.objectId, coin.balanceShannons);
  }
  const left = lease.totalShannons - effects.fee.totalFee - (succeeded ? plan.spends : 0n);
  balances.set(lease.coins[0].objectId, left);
  if (succeeded) for (const [n, amount] of plan.creates ?? []) balances.set(deriveId(digest, n), amount);
  return balances;
}
