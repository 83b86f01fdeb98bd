import { expect, it } from 'vitest';
import { simulate } from './simulate.js';

/** No further seed begins after so many milliseconds: a busy machine plays fewer. */
const BUDGET_MS = 15_000;
const SEEDS = 200;
const KINDS = ['accepted', 'held', 'echoes'] as const;

it('reconciles journal, ledger and coins after every life and death', async () => {
  const began = performance.now();
  const faults: string[] = [];
  const played = { accepted: 0, held: 0, echoes: 0 };
  for (let seed = 1; seed <= SEEDS && (seed <= 3 || performance.now() - began < BUDGET_MS); seed++) {
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
