import type { OwnedCoin } from '../read/list-coins.js';
import type { CoinsByBalance } from './coins-by-balance.js';

/** Which coins pay for a transaction. */
export interface CoinChoice {
  /** Least sum of the coins, in shannons. */
  readonly amount: bigint;
  /** Merges up to this many coins along the way: those below `dustShannons`, and of more than `keep` coins the poorest. Default 0. */
  readonly merge?: number | undefined;
  readonly dustShannons?: bigint | undefined;
  /** Free coins that are enough. Default: all. */
  readonly keep?: number | undefined;
  /** Waits for a coin in use that holds the amount by itself, rather than join those that are free. Default false. */
  readonly patient?: boolean | undefined;
}

/** Most coins in one gas payment: 256 references are 19 KB. */
export const MAX_COINS = 256;

/**
 * The free coins that pay, the first of which is charged; `undefined` when they do not suffice, or waiting is better.
 *
 * @param isOneInUse whether a coin in use holds the amount by itself
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
  // Claims yield coins of their own: without this an address would accumulate them forever.
  const poorest = sorted.filter((coin) => !chosen.includes(coin)).reverse();
  const surplus = poorest.length - keep;
  const merged = poorest.filter(({ balanceShannons }, index) => balanceShannons < dustShannons || index < surplus);
  return [...chosen, ...merged.slice(0, Math.max(0, Math.min(merge, MAX_COINS - chosen.length)))];
}

/** The richest coins that hold `amount` together. */
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
