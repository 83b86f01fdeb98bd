import { type OwnedCoin, richestFirst } from '../read/list-coins.js';

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

/** A coin, and whether it may be chosen. */
export interface CoinCandidate {
  readonly coin: OwnedCoin;
  readonly state: 'free' | 'leased' | 'quarantined';
}

/** Most coins in one gas payment: 256 references are 19 KB. */
export const MAX_COINS = 256;

/** The free coins that pay, the first of which is charged; `undefined` when they do not suffice, or waiting is better. */
export function chooseCoins(candidates: Iterable<CoinCandidate>, choice: CoinChoice): readonly OwnedCoin[] | undefined {
  const { amount, merge = 0, dustShannons = 0n, keep = Number.POSITIVE_INFINITY, patient = false } = choice;
  const free: OwnedCoin[] = [];
  let single: OwnedCoin | undefined;
  let isWorthWaiting = false;
  let dust = 0;
  for (const { coin, state } of candidates) {
    const { balanceShannons } = coin;
    if (patient && state === 'leased' && balanceShannons >= amount) isWorthWaiting = true;
    if (state !== 'free') continue;
    free.push(coin);
    if (balanceShannons < dustShannons) dust++;
    if (balanceShannons < amount) continue;
    if (single === undefined || balanceShannons < single.balanceShannons) single = coin;
  }
  // Most often: one coin suffices, and there is nothing to tidy up.
  if (single !== undefined && (merge === 0 || (dust === 0 && free.length - 1 <= keep))) return [single];
  if (single === undefined && isWorthWaiting) return undefined;
  const sorted = free.sort(richestFirst);
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
