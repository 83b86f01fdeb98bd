import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CoinsByBalance } from '../../../src/soma/client/account/coins-by-balance.js';
import { type OwnedCoin, richestFirst } from '../../../src/soma/client/read/list-coins.js';

/** Few balances, so that many are equal. */
const balance = fc.bigInt({ min: 0n, max: 12n });
const step = fc.record({ add: fc.boolean(), balance, pick: fc.nat() });

it('knows of its coins what looking at each of them tells', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), balance, (steps, amount) => {
      const coins = new CoinsByBalance();
      let held: OwnedCoin[] = [];
      for (const [n, { add, balance: balanceShannons, pick }] of steps.entries()) {
        const coin = { objectId: `0x${n}`, version: 1n, digest: '', balanceShannons };
        if (add) {
          coins.add(coin);
          held.push(coin);
        } else {
          const gone = held[pick % (held.length + 1)];
          // One that is not there, though its balance may be.
          coins.remove(gone ?? coin);
          held = held.filter((each) => each !== gone);
        }
      }
      const enough = held.filter(({ balanceShannons }) => balanceShannons >= amount);
      expect(coins.size).toBe(held.length);
      expect(coins.totalShannons).toBe(held.reduce((sum, coin) => sum + coin.balanceShannons, 0n));
      expect(coins.countAtLeast(amount)).toBe(enough.length);
      const smallest = enough.reduce<bigint | undefined>(
        (least, coin) => (least === undefined || coin.balanceShannons < least ? coin.balanceShannons : least),
        undefined,
      );
      // Among equals the one that came first.
      expect(coins.smallestAtLeast(amount)).toBe(enough.find((coin) => coin.balanceShannons === smallest));
      expect(coins.richestFirst()).toEqual([...held].sort(richestFirst));
    }),
    { numRuns: 1_000, seed: 1 },
  );
});
