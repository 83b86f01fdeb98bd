import { type OwnedCoin, richestFirst } from '../read/list-coins.js';

/** Coins in order of balance. A burst asks a hundred times for the smallest of hundreds that suffices. */
export class CoinsByBalance {
  /** Poorest first; among equals in the order in which they came. */
  readonly #coins: OwnedCoin[] = [];
  #total = 0n;

  get size(): number {
    return this.#coins.length;
  }

  /** What they hold together. */
  get totalShannons(): bigint {
    return this.#total;
  }

  add(coin: OwnedCoin): void {
    this.#coins.splice(this.#countBelow(coin.balanceShannons + 1n), 0, coin);
    this.#total += coin.balanceShannons;
  }

  /** Takes out exactly this one; does nothing when it is not there. */
  remove(coin: OwnedCoin): void {
    const at = this.#coins.indexOf(coin, this.#countBelow(coin.balanceShannons));
    if (at < 0) return;
    this.#coins.splice(at, 1);
    this.#total -= coin.balanceShannons;
  }

  /** The one with the smallest balance of at least `amount` shannons. */
  smallestAtLeast(amount: bigint): OwnedCoin | undefined {
    return this.#coins[this.#countBelow(amount)];
  }

  /** How many hold at least `amount` shannons. */
  countAtLeast(amount: bigint): number {
    return this.#coins.length - this.#countBelow(amount);
  }

  richestFirst(): OwnedCoin[] {
    return [...this.#coins].sort(richestFirst);
  }

  #countBelow(amount: bigint): number {
    let low = 0;
    let high = this.#coins.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#coins[middle]!.balanceShannons < amount) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
