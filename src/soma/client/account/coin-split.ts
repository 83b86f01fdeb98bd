import type { Address, ObjectId } from '../../chain/index.js';
import { refOf } from '../decode/object.js';
import type { OwnedCoin } from '../read/list-coins.js';
import type { Plan } from './transaction-plan.js';

/** Below this a coin is neither worth a split of its own nor counted as ready: the bond of 15 KB. */
export const MIN_COIN_SHANNONS = 1_000_000n;
/** What a split makes at least, so that a coin does not count as dust after its first transaction. */
const LEAST_PART_SHANNONS = 2n * MIN_COIN_SHANNONS;
/** What a coin holds at least that is worth a split: two parts, and what it keeps. */
export const SPLITTABLE_SHANNONS = 4n * LEAST_PART_SHANNONS;
const DEFAULT_COIN_SHANNONS = 100_000_000n;
/** Maximum coins created by one transaction. */
const MAX_SPLIT = 128;

/**
 * One transaction that pays the missing coins to ourselves, out of the poorest free coin that has enough for them, or the
 * richest: what pays for more than a submission stays as large as it is.
 *
 * @param free coins to choose from, richest first
 * @param missing how many coins are wanted
 * @param wantedShannons what each of them shall hold, if that is not too little to last; default 0.1 SOMA
 * @returns undefined when there is nothing to split, or nothing that a split would serve
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
