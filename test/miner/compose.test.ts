import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PROTOCOL_VERSIONS, protocolConfig } from '../../src/soma/chain/index.js';
import { openStore, partsOfOrigin, type Store } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

/** So hard that a single sample hardly ever hits, and so much to pay with that every bond is affordable. */
const HARD = { initialDistanceThreshold: 0.4, targetsPerEpoch: 6, auditWaitMs: 280_000 };
const DATA = ['synthetic:64'];

/** Samples of a caller who has none. */
async function* none(): AsyncGenerator<never> {}

async function inStore<T>(use: (store: Store) => Promise<T> | T): Promise<T> {
  const dir = join(network!.dir, 'state', 'store');
  const store = await openStore({ dir, embeddingDim: MODEL_CONFIGS.small.embeddingDim });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Runs a miner and collects the origins of what was accepted. */
async function mine(options: Parameters<MiningNetwork['miner']>[0] = {}) {
  const assembled = await network!.miner({ data: DATA, ...options });
  const origins: string[] = [];
  assembled.miner.events.on('outcome', ({ outcome, origin }) => {
    if (outcome.kind === 'accepted') origins.push(origin);
  });
  const summary = await assembled.miner.run();
  await assembled.close();
  return { summary, origins, composed: origins.filter((origin) => partsOfOrigin(origin) !== undefined) };
}

test('joins chunks for targets that none hits alone, and every audit finds them honest', async () => {
  network = await startMiningNetwork(HARD);
  const { summary, origins, composed } = await mine({ maxAccepted: 4 });
  expect(composed.length).toBeGreaterThan(1);
  expect(composed[0]).toMatch(/^\d+ parts: samples \d+/);
  expect(summary).toMatchObject({ rejected: 0, unknown: 0, accepted: origins.length, composed: composed.length });
  await network.devnet.settleAudits();
  expect(network.devnet.verdicts.map(({ outcome }) => outcome)).toEqual(origins.map(() => 'honest'));
}, 300_000);

test('a part in low precision is scored again in f32 before its sample is submitted', async () => {
  network = await startMiningNetwork(HARD);
  const first = await network.miner({ data: DATA, dryRun: true });
  await first.miner.run();
  await first.close();
  await inStore(async (store) => {
    const composed = [];
    for (let id = 0; id < store.sampleCount; id++) {
      if (partsOfOrigin(store.sample(id).origin) !== undefined) composed.push(id);
      for (const key of store.models) {
        const score = store.score(id, key);
        if (score !== undefined) await store.appendScores(key, [{ sampleId: id, ...score, precision: 'bf16' }]);
      }
    }
    // A row like any other: what an earlier run composed is here, and gone now, so that it is composed anew.
    expect(composed.length).toBeGreaterThan(0);
    await store.tombstone(composed);
  });
  const { composed, origins } = await mine({ maxAccepted: 4 });
  expect(composed.length).toBeGreaterThan(0);
  await inStore((store) => {
    for (const part of composed.flatMap((origin) => partsOfOrigin(origin)!)) {
      expect(new Set(store.models.map((key) => store.score(part, key)?.precision))).toEqual(new Set(['f32']));
    }
  });
  await network.devnet.settleAudits();
  expect(network.devnet.verdicts.map(({ outcome }) => outcome)).toEqual(origins.map(() => 'honest'));
}, 300_000);

test('what was composed before the process ended is submitted by the next, as a row of the store', async () => {
  network = await startMiningNetwork(HARD);
  await mine({ dryRun: true });
  const before = await inStore((store) => store.sampleCount);
  const { summary, composed } = await mine({ data: undefined, samples: none(), maxAccepted: 5 });
  expect(summary).toMatchObject({ samples: 0, rejected: 0 });
  expect(composed.length).toBeGreaterThan(0);
  expect(before).toBeGreaterThan(64);
}, 300_000);

test('no composition is larger than the largest bond, and what was composed with a larger one stays where it is', async () => {
  network = await startMiningNetwork(HARD);
  const largest = () =>
    inStore((store) => {
      const origins = Array.from({ length: store.sampleCount }, (_, id) => store.sample(id).origin);
      return Math.max(...origins.map((origin) => partsOfOrigin(origin)?.length ?? 1));
    });
  const bond = 3n * 1024n * protocolConfig(PROTOCOL_VERSIONS.max).submissionBondPerByte;
  const first = await mine({ maxBondShannons: bond, maxAccepted: 2 });
  expect(first.composed.length).toBeGreaterThan(0);
  expect(await largest()).toBeLessThanOrEqual(3);
  await mine({ dryRun: true });
  expect(await largest()).toBeGreaterThan(3);
  const { composed, summary } = await mine({ maxBondShannons: bond, maxAccepted: 2 });
  expect(summary.rejected).toBe(0);
  for (const origin of composed) expect(partsOfOrigin(origin)!.length).toBeLessThanOrEqual(3);
}, 300_000);
