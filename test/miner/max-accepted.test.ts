import { afterEach, expect, test } from 'vitest';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

test('ends with exactly as many accepted as were asked for, though every sample fits every replacement target', async () => {
  network = await startMiningNetwork({ initialDistanceThreshold: 1.05, finalityDelayMs: 100 });
  const { miner, journal } = await network.miner({ maxAccepted: 3, maxInFlight: 8, untilIdle: false });
  const run = await miner.run();
  expect(run).toMatchObject({ accepted: 3, submitted: 3, unknown: 0 });
  expect(journal.totals()).toMatchObject({ accepted: 3, pending: 0 });
});

test('takes another target in place of one that was lost', async () => {
  network = await startMiningNetwork({ initialDistanceThreshold: 1.05, finalityDelayMs: 200 });
  const options = { maxAccepted: 4, untilIdle: false } as const;
  const rivals = await Promise.all(
    ['a', 'b'].map((name) => network!.miner({ ...options, stateDir: `${network!.dir}/${name}` })),
  );
  const runs = await Promise.all(rivals.map(({ miner }) => miner.run()));
  expect(runs.map(({ accepted }) => accepted)).toEqual([4, 4]);
});

test('a dry run ends with exactly as many hits', async () => {
  network = await startMiningNetwork({ initialDistanceThreshold: 1.05 });
  const { miner } = await network.miner({ maxAccepted: 3, dryRun: true, untilIdle: false });
  expect(await miner.run()).toMatchObject({ hits: 3, submitted: 0 });
});

test('insufficient funds are one warning', async () => {
  const { Keypair } = await import('../../src/soma/chain/index.js');
  const signer = Keypair.generate();
  network = await startMiningNetwork({
    initialDistanceThreshold: 1.05,
    accounts: [{ address: signer.address, coins: [5_000n] }],
  });
  const { miner } = await network.miner({ signer });
  const warnings: string[] = [];
  miner.events.on('warning', ({ error }) => warnings.push(error.code));
  expect(await miner.run()).toMatchObject({ accepted: 0, submitted: 0 });
  expect(warnings).toEqual(['INSUFFICIENT_FUNDS']);
});
