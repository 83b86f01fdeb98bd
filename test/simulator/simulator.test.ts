import { expect, it } from 'vitest';
import { simulate } from './simulate.js';

const SEEDS = 12;
const KINDS = ['accepted', 'held', 'echoes', 'outOfReach'] as const;

it('reconciles journal, ledger and coins after every life and death', async () => {
  const faults: string[] = [];
  const played = { accepted: 0, held: 0, echoes: 0, outOfReach: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await simulate(seed);
    for (const kind of KINDS) played[kind] += outcome[kind];
    faults.push(...outcome.faults.map((fault) => `npm run simulate -- --seed ${seed}: ${fault}`));
  }
  expect(faults).toEqual([]);
  for (const kind of KINDS) expect(played[kind], kind).toBeGreaterThan(0);
});

it('takes the same course for the same seed', async () => {
  expect(await simulate(42)).toEqual(await simulate(42));
});
