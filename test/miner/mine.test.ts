import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { isAbort } from '../../src/errors/index.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

test('mines, claims, and the balance grows by rewards minus fees to the shannon', async () => {
  network = await startMiningNetwork();
  const { devnet, signer } = network;
  const { miner, journal } = await network.miner({ maxAccepted: 5 });
  const outcomes: string[] = [];
  miner.events.on('outcome', ({ outcome }) => outcomes.push(outcome.kind));
  const run = await miner.run();
  expect(run).toMatchObject({ rejected: 0, lost: 0, unknown: 0 });
  expect(run.accepted).toBeGreaterThanOrEqual(5);
  expect(outcomes.filter((kind) => kind === 'accepted')).toHaveLength(run.accepted);

  await devnet.settleAudits();
  expect(devnet.verdicts.map(({ outcome }) => outcome)).toEqual(Array(run.accepted).fill('honest'));
  expect(await miner.claim()).toMatchObject({ claimed: 0 });
  await devnet.advanceEpoch();
  await devnet.advanceEpoch();
  const { claimed, rewardShannons, feesShannons } = await miner.claim();
  expect(claimed).toBe(run.accepted);
  expect(rewardShannons).toBeGreaterThan(0n);
  expect(devnet.balanceOf(signer.address)).toBe(FUNDED_SHANNONS + rewardShannons - feesShannons);
  expect(journal.totals()).toMatchObject({ accepted: run.accepted, claimed, pending: 0, unclaimed: 0 });
});

test('a second run scores nothing again and answers from the store', async () => {
  network = await startMiningNetwork();
  const first = await network.miner({ dryRun: true });
  const scored = (await first.miner.run()).scored;
  expect(scored).toBe(24);
  await first.close();
  const second = await network.miner({ maxAccepted: 1 });
  const run = await second.miner.run();
  expect(run).toMatchObject({ scored: 0, samples: 0, rejected: 0 });
  expect(run.accepted).toBeGreaterThan(0);
});

test('a dry run submits nothing', async () => {
  network = await startMiningNetwork();
  const { miner } = await network.miner({ dryRun: true });
  const run = await miner.run();
  expect(run.hits).toBeGreaterThan(0);
  expect(run).toMatchObject({ submitted: 0, accepted: 0 });
  expect(network.devnet.balanceOf(network.signer.address)).toBe(FUNDED_SHANNONS);
});

test('budget guards hold', async () => {
  network = await startMiningNetwork();
  const tooDear = await network.miner({ maxBondShannons: 1n });
  expect(await tooDear.miner.run()).toMatchObject({ submitted: 0, hits: 0 });
  await tooDear.close();
  const tooLittle = await network.miner({ minRewardShannons: 10n ** 18n });
  expect(await tooLittle.miner.run()).toMatchObject({ submitted: 0, hits: 0 });
  await tooLittle.close();
  const tooPoor = await network.miner({ minBalanceShannons: FUNDED_SHANNONS });
  const told: unknown[] = [];
  tooPoor.miner.events.on('balance', (e) => told.push(e));
  expect(await tooPoor.miner.run()).toMatchObject({ submitted: 0, hits: 0 });
  // Once, however many samples would fit.
  expect(told).toEqual([
    { state: 'low', balanceShannons: FUNDED_SHANNONS, neededShannons: expect.toSatisfy((n) => n > FUNDED_SHANNONS) },
  ]);
});

test('stops cleanly when its signal fires, and can be paused', async () => {
  network = await startMiningNetwork({ texts: 2048 });
  const { miner } = await network.miner({ untilIdle: false });
  const stop = new AbortController();
  const events: string[] = [];
  miner.events.on('paused', () => events.push('paused'));
  miner.events.on('resumed', () => events.push('resumed'));
  let whilePaused = 0;
  miner.events.once('scored', () => {
    miner.pause('test');
    setTimeout(() => {
      whilePaused = miner.summary().scored;
      miner.resume();
      miner.events.once('scored', () => stop.abort());
    }, 1500);
  });
  const run = await miner.run({ signal: stop.signal }).catch((error: unknown) => {
    if (!isAbort(error)) throw error;
    return miner.summary();
  });
  expect(events).toEqual(['paused', 'resumed']);
  expect(whilePaused).toBeLessThanOrEqual(32);
  expect(run.scored).toBeGreaterThan(whilePaused);
  expect(run.scored).toBeLessThan(2048);
  expect(run).toMatchObject({ rejected: 0, unknown: 0 });
});

test('two miners with one key and two states do not submit the same target twice', async () => {
  network = await startMiningNetwork();
  const [a, b] = [
    await network.miner({ maxAccepted: 3, stateDir: `${network.dir}/a` }),
    await network.miner({ maxAccepted: 3, stateDir: `${network.dir}/b` }),
  ];
  const runs = await Promise.all([a.miner.run(), b.miner.run()]);
  const accepted = runs.reduce((sum, run) => sum + run.accepted, 0);
  const filled = [...network.devnet.targets().values()].filter((target) => target.status.kind === 'filled');
  expect(filled).toHaveLength(accepted);
  expect(accepted).toBeGreaterThan(0);
});

test('one miner per state directory', async () => {
  network = await startMiningNetwork();
  await network.miner();
  await expect(network.miner()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
});

test('a later run does not read files again that were taken in completely', async () => {
  network = await startMiningNetwork();
  for (const name of ['a', 'b', 'c']) await writeFile(join(network.dir, `${name}.txt`), `file ${name} `.repeat(200));
  const data = [join(network.dir, '*.txt')];
  const first = await network.miner({ data, dryRun: true });
  await first.miner.run();
  expect(first.cut.samples).toBe(3);
  await first.close();
  const second = await network.miner({ data, dryRun: true });
  await second.miner.run();
  expect(second.cut.samples).toBe(1);
});

test('a file that cannot be read is a warning, and the others are mined', async () => {
  network = await startMiningNetwork();
  await writeFile(join(network.dir, 'a.txt'), 'first '.repeat(200));
  await writeFile(join(network.dir, 'b.txt.gz'), 'this is not a gzip');
  await writeFile(join(network.dir, 'c.txt'), 'third '.repeat(200));
  const { miner, cut } = await network.miner({ data: [join(network.dir, '*.txt*')], dryRun: true });
  const warnings: string[] = [];
  miner.events.on('warning', ({ error }) => warnings.push(`${error.code} ${error.message}`));
  await miner.run();
  expect(cut.samples).toBe(2);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^DATA_INVALID .*b\.txt\.gz is skipped/);
});
