import type { OwnedCoin } from '../read/list-coins.js';
import type { CoinsByBalance } from './coins-by-balance.js';

/** Which coins should pay for a transaction. */
export interface CoinChoice {
  /** Minimum total of the coins, in shannons. */
  readonly amount: bigint;
  /**
   * Maximum number of additional coins to merge: those below `dustShannons`, and the smallest ones beyond `keep`.
   * Default 0.
   */
  readonly merge?: number | undefined;
  readonly dustShannons?: bigint | undefined;
  /** Number of free coins to keep. Default: all. */
  readonly keep?: number | undefined;
  /** Wait for a coin in use that covers the amount alone, instead of merging free ones. Default false. */
  readonly patient?: boolean | undefined;
}

/** Maximum coins in one gas payment: 256 references are 19 KB. */
export const MAX_COINS = 256;

/**
 * Chooses free coins to pay with, the first of which is charged; `undefined` if they do not suffice or waiting is
 * better.
 *
 * @param isOneInUse whether a coin in use covers the amount alone
 */
export function chooseCoins(
  free: CoinsByBalance,
  choice: CoinChoice,
  isOneInUse: () => boolean,
): readonly OwnedCoin[] | undefined {
  const { amount, merge = 0, dustShannons = 0n, keep = Number.POSITIVE_INFINITY, patient = false } = choice;
  const single = free.smallestAtLeast(amount);
  const isTidy = merge === 0 || (free.countAtLeast(dustShannons) === free.size && free.size - 1 <= keep);
  if (single !== undefined && isTidy) return [single];
  if (single === undefined && patient && isOneInUse()) return undefined;
  const sorted = free.richestFirst();
  const chosen = single === undefined ? enough(sorted, amount) : [single];
  if (chosen === undefined) return undefined;
  // Every claim creates a coin: without merging, an address would accumulate them forever.
  const poorest = sorted.filter((coin) => !chosen.includes(coin)).reverse();
  const surplus = poorest.length - keep;
  const merged = poorest.filter(({ balanceShannons }, index) => balanceShannons < dustShannons || index < surplus);
  return [...chosen, ...merged.slice(0, Math.max(0, Math.min(merge, MAX_COINS - chosen.length)))];
}

/** The fewest coins that hold `amount` together, largest first. */
function enough(richest: readonly OwnedCoin[], amount: bigint): OwnedCoin[] | undefined {
  const chosen: OwnedCoin[] = [];
  let sum = 0n;
  for (const coin of richest.slice(0, MAX_COINS)) {
    chosen.push(coin);
    sum += coin.balanceShannons;
    if (sum >= amount) return chosen;
  }
  return undefined;
}
