import type { Address, ObjectId } from '../../chain/index.js';
import { refOf } from '../decode/object.js';
import type { OwnedCoin } from '../read/list-coins.js';
import type { Plan } from './transaction-plan.js';

/** Coins below this do not count as ready: the bond of 15 KB. */
export const MIN_COIN_SHANNONS = 1_000_000n;
/** Minimum size of split coins, so that one does not count as dust after its first transaction. */
const LEAST_PART_SHANNONS = 2n * MIN_COIN_SHANNONS;
/** Minimum balance of a coin worth splitting: two parts, and as much for its remainder. */
export const SPLITTABLE_SHANNONS = 4n * LEAST_PART_SHANNONS;
const DEFAULT_COIN_SHANNONS = 100_000_000n;
/** Maximum coins created by one transaction. */
const MAX_SPLIT = 128;

/**
 * Plans one transaction that pays the missing coins to ourselves from the smallest free coin that covers them, or else
 * the largest, so that larger coins stay available for transactions that need them.
 *
 * @param free coins to choose from, richest first
 * @param missing number of coins to create
 * @param wantedShannons size of each coin, raised to the minimum if necessary; default 0.1 SOMA
 * @returns undefined when no coins are missing or no coin is large enough
 */
export function planSplit(
  free: readonly OwnedCoin[],
  missing: number,
  owner: Address,
  wantedShannons = DEFAULT_COIN_SHANNONS,
): { readonly coinId: ObjectId; readonly plan: Plan } | undefined {
  if (missing <= 0) return undefined;
  const coinShannons = wantedShannons > LEAST_PART_SHANNONS ? wantedShannons : LEAST_PART_SHANNONS;
  const whole = coinShannons * BigInt(Math.min(missing, MAX_SPLIT) + 2);
  const rich = free.findLast(({ balanceShannons }) => balanceShannons >= whole) ?? free[0];
  if (rich === undefined) return undefined;
  const affordable = Number(rich.balanceShannons / LEAST_PART_SHANNONS) - 2;
  const parts = Math.min(missing, affordable, MAX_SPLIT);
  if (parts <= 0) return undefined;
  const share = rich.balanceShannons / BigInt(parts + 2);
  const each = share < coinShannons ? share : coinShannons;
  const amounts = Array.from({ length: parts }, () => each);
  const recipients = amounts.map(() => owner);
  const plan: Plan = {
    doing: 'splitting coins',
    kind: 'payCoins',
    spends: each * BigInt(parts),
    writes: parts + 1,
    build: (coin) => ({ kind: 'payCoins', coins: [refOf(coin)], amounts, recipients }),
    creates: new Map(amounts.map((amount, index) => [index, amount])),
  };
  return { coinId: rich.objectId, plan };
}
