import { afterEach, describe, expect, test } from 'vitest';
import { prospect } from '../../src/miner/search/prospect.js';
import { SearchBudget } from '../../src/miner/search/search-budget.js';
import { isSearched } from '../../src/miner/search/searched-origin.js';
import { partsOfOrigin } from '../../src/store/index.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

/** So hard that neither the chunks below nor what is joined of them hits all targets. */
const HARDER = { initialDistanceThreshold: 0.3, targetsPerEpoch: 4 };

async function mine(options: Parameters<MiningNetwork['miner']>[0]) {
  const assembled = await network!.miner(options);
  const outcomes: { readonly kind: string; readonly origin: string }[] = [];
  assembled.miner.events.on('outcome', ({ outcome, origin }) => outcomes.push({ kind: outcome.kind, origin }));
  const summary = await assembled.miner.run({ signal: AbortSignal.timeout(280_000) });
  await assembled.close();
  return { summary, outcomes };
}

describe('searching beside mining', () => {
  test('answers targets that nothing known hits, once nothing else waits, and every audit finds them honest', async () => {
    network = await startMiningNetwork(HARDER);
    const { summary, outcomes } = await mine({
      data: ['synthetic:2'],
      searchShare: 0.1,
      untilIdle: false,
      maxAccepted: 3,
    });
    expect(summary).toMatchObject({ accepted: 3, rejected: 0, samples: 2, scored: 2 });
    expect(summary.searched).toBeGreaterThan(0);
    expect(summary.proposed).toBeGreaterThan(0);
    const searched = outcomes.filter(({ origin }) => /^searched from sample \d+$/.test(origin));
    const joined = outcomes.filter(({ origin }) => partsOfOrigin(origin) !== undefined);
    expect(searched.length).toBeLessThanOrEqual(summary.searched);
    expect(summary.searched).toBeLessThanOrEqual(searched.length + joined.length);
    const { devnet } = network;
    const audited = async (): Promise<number> => devnet.settleAudits().then(() => devnet.verdicts.length);
    await expect.poll(audited, { timeout: 150_000 }).toBe(3);
    expect(devnet.verdicts.every((verdict) => verdict.outcome === 'honest')).toBe(true);
  }, 300_000);

  test('keeps to its share as long as there is other data, and ends with the data where that was asked for', async () => {
    network = await startMiningNetwork({ ...HARDER, initialDistanceThreshold: 0.05 });
    const { summary } = await mine({ data: ['synthetic:96'], searchShare: 0.4 });
    expect(summary.scored).toBe(96);
    expect(summary.proposed).toBeGreaterThan(0);
    expect(summary.proposed).toBeLessThanOrEqual(0.4 * (summary.proposed + summary.scored));
  }, 300_000);

  test('is off with a share of 0', async () => {
    network = await startMiningNetwork(HARDER);
    const { summary } = await mine({ data: ['synthetic:32'], searchShare: 0 });
    expect(summary).toMatchObject({ searched: 0, proposed: 0 });
  }, 300_000);
});

test('targets that pay too little are not searched for', async () => {
  network = await startMiningNetwork({ ...HARDER, initialDistanceThreshold: 0.05 });
  const { summary } = await mine({ data: ['synthetic:96'], searchShare: 0.4, minRewardShannons: 2n ** 62n });
  expect(summary).toMatchObject({ scored: 96, proposed: 0 });
}, 300_000);

describe('the share of searching', () => {
  const COST = { proposals: 12, gradient: 3 };
  const stepsOf = (budget: SearchBudget): number => {
    let steps = 0;
    for (; budget.allows(false) && steps < 100; steps++) budget.spend(false);
    return steps;
  };

  test('is earned by what others score, and only a little of it is saved up', () => {
    const budget = new SearchBudget(0.5, COST);
    budget.earn(14);
    expect(stepsOf(budget)).toBe(0);
    budget.earn(16);
    expect(stepsOf(budget)).toBe(2);
    budget.earn(1_000_000);
    expect(stepsOf(budget)).toBe(4);
  });

  test('owes nothing for steps that took nothing from others', () => {
    const budget = new SearchBudget(0.5, COST);
    for (let n = 0; n < 1_000; n++) budget.spend(true);
    budget.earn(15);
    expect(stepsOf(budget)).toBe(1);
  });

  test('may be all or none of it', () => {
    const all = new SearchBudget(1, COST);
    all.earn(0);
    expect([all.allows(true), all.allows(false)]).toEqual([true, false]);
    all.earn(1);
    expect(stepsOf(all)).toBe(4);
    const none = new SearchBudget(0, COST);
    none.earn(1_000);
    expect([none.allows(true), none.allows(false)]).toEqual([false, false]);
  });
});

describe('the order of targets', () => {
  const near = { rewardShannons: 100n, wantedCosine: 0.2, cosine: 0.19, dim: 256, stalls: 0 };

  test('goes by the reward, by what is missing, and by earlier standstills', () => {
    expect(prospect({ ...near, rewardShannons: 300n })).toBeGreaterThan(prospect(near));
    expect(prospect(near)).toBeGreaterThan(prospect({ ...near, cosine: 0.1 }));
    expect(prospect(near)).toBeGreaterThan(prospect({ ...near, stalls: 1 }));
    // Twenty times the reward is worth a long way.
    expect(prospect({ ...near, rewardShannons: 2_000n, cosine: 0 })).toBeGreaterThan(prospect(near));
  });
});

test('a joined sample counts as searched when one of its parts is', () => {
  const origins = new Map([
    [1, 'README.md'],
    [2, 'searched from sample 1'],
  ]);
  const store = { sample: (id: number) => ({ id, bytes: new Uint8Array(1), origin: origins.get(id) ?? '' }) };
  expect(isSearched(store as never, 'searched from sample 7')).toBe(true);
  expect(isSearched(store as never, '2 parts: samples 1+2')).toBe(true);
  expect(isSearched(store as never, '2 parts: samples 1+1')).toBe(false);
  expect(isSearched(store as never, 'my searched from sample 7.txt')).toBe(false);
});
