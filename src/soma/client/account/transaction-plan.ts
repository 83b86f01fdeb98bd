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

/** A transaction to be built over whichever coins are free. */
export interface Plan {
  /** Named in errors. */
  readonly doing: string;
  /** What the gas coin must hold, fees aside: what is paid, staked or bonded from it. */
  readonly spends: bigint;
  /** What the value fee is charged on. Default `spends`. */
  readonly value?: bigint | undefined;
  /** Objects written, for the fee. */
  readonly writes: number;
  /** Least sum of the coins that pay, when more than the transaction needs. */
  readonly atLeast?: bigint | undefined;
  /** Waits for one coin that suffices, rather than join the small ones that others may need at any moment. */
  readonly patient?: boolean | undefined;
  /** The kind, given the coin that pays and, where it spends a coin, is spent. */
  readonly build: (gas: OwnedCoin) => TransactionKind;
  /** Kind, before there is a coin to build it over. */
  readonly kind: TransactionKindName;
  /** Coins that come to us: balances by creation number. */
  readonly creates?: ReadonlyMap<number, bigint> | undefined;
  /** Whether others may be faster: coins are merged only where that cannot be left to other transactions. */
  readonly inRace?: boolean | undefined;
  /** Coins of the pool, beside the gas, that the kind names. */
  readonly others?: readonly CoinLease[] | undefined;
}

/** The transaction that a plan becomes over the coins of a lease, unsigned. */
export function planToTransaction(plan: Plan, lease: CoinLease, sender: string): TransactionData {
  return { kind: plan.build(lease.coins[0]), sender, gasPayment: lease.coins.map(refOf) };
}

/** What the coins of a plan hold once it took effect, in shannons by id: effects tell versions, not balances. */
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
