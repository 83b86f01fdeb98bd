import { once } from 'node:events';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import { dropStaleScores } from '../../src/miner/score/stale-scores.js';
import { openStore } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(async () => {
  await network?.close();
  network = undefined;
});

const embeddingDim = MODEL_CONFIGS.small.embeddingDim;

/** Flips a bit of these samples' bytes in the store of the default state directory. */
async function damage(dir: string, ids: readonly number[]): Promise<void> {
  const store = await openStore({ dir: join(dir, 'state', 'store'), embeddingDim, readonly: true });
  const offsets = ids.map((id) => store.internals.samples.record(id)!.offset);
  await store.close();
  const file = await open(join(dir, 'state', 'store', 'samples', 'data-000000.bin'), 'r+');
  for (const offset of offsets) {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0]! ^= 1;
    await file.write(byte, 0, 1, offset);
  }
  await file.close();
}

test('damaged samples are left out with a warning, in matching and in scoring, and the others go on', async () => {
  network = await startMiningNetwork();
  const first = await network.miner({ dryRun: true });
  expect((await first.miner.run()).scored).toBe(24);
  await first.close();
  const damaged = Array.from({ length: 20 }, (_, id) => id);
  await damage(network.dir, damaged);

  const matching = await network.miner({ maxAccepted: 1 });
  const found: unknown[] = [];
  matching.miner.events.on('warning', ({ error }) => found.push([error.code, error.details['sampleId']]));
  const run = await matching.miner.run();
  expect(run.accepted).toBeGreaterThan(0);
  expect(run).toMatchObject({ rejected: 0, scored: 0 });
  expect(found.length).toBeGreaterThan(0);
  for (const [code, id] of found as [string, number][]) {
    expect(code).toBe('STORE_CORRUPT');
    expect(damaged).toContain(id);
  }
  expect(new Set(found.map(String)).size).toBe(found.length);
  await matching.close();

  // Without scores everything is scored again: what is damaged and was not found yet is found now.
  const scores = join(network.dir, 'state', 'store', 'scores');
  for (const name of await readdir(scores)) await rm(join(scores, name), { recursive: true });
  const scoring = await network.miner({ dryRun: true });
  scoring.miner.events.on('warning', ({ error }) => found.push([error.code, error.details['sampleId']]));
  await scoring.miner.run();
  await scoring.close();
  expect(new Set(found.map(String)).size).toBe(20);
  const store = await openStore({ dir: join(network.dir, 'state', 'store'), embeddingDim, readonly: true });
  expect(store.models.map((key) => [20, 21, 22, 23].every((id) => store.score(id, key) !== undefined))).toEqual([
    ...[true, true, true],
  ]);
  for (const key of store.models) expect(store.unscored(key)).toEqual([]);
  await store.close();
});

test('scores of weights that are gone are dropped after so many epochs, restarts or not', async () => {
  network = await startMiningNetwork();
  const { dir } = network;
  const keys = ['a', 'b', 'c'].map((digit) => ({ architecture: 'v1', checksum: digit.repeat(64) }));
  const [a, b, c] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
  const store = await openStore({ dir: join(dir, 'other'), embeddingDim: 4, durability: 'process' });
  await store.appendSamples([{ bytes: Uint8Array.of(1) }]);
  for (const key of keys) {
    await store.appendScores(key, [{ sampleId: 0, loss: 1, embedding: Float32Array.of(1, 0, 0, 0), precision: 'f32' }]);
  }
  const tidy = async (active: typeof keys, epoch: bigint): Promise<string> => {
    // A journal of its own each time, as after a restart.
    const journal = new Journal(join(dir, 'other.db'), Date.now);
    const { rows } = await dropStaleScores({ store, journal }, active, epoch, 2);
    journal.close();
    return `${rows}: ${store.models
      .map(({ checksum }) => checksum[0])
      .sort()
      .join('')}`;
  };
  expect(await tidy([a, b], 10n)).toBe('0: abc');
  expect(await tidy([a], 11n)).toBe('0: abc');
  expect(await tidy([a], 12n)).toBe('0: abc');
  // c was never active; b was last seen in epoch 10 as well.
  expect(await tidy([a], 13n)).toBe('2: a');
  expect(await tidy([a], 20n)).toBe('0: a');
  // What comes back in time stays.
  await store.appendScores(c, [{ sampleId: 0, loss: 1, embedding: Float32Array.of(0, 1, 0, 0), precision: 'f32' }]);
  expect(await tidy([a], 21n)).toBe('0: ac');
  expect(await tidy([a, c], 23n)).toBe('0: ac');
  expect(await tidy([c], 25n)).toBe('0: ac');
  expect(await tidy([c], 26n)).toBe('1: c');
  await store.close();
});

test('an epoch without a model takes its scores and its packed weights away', async () => {
  // Epochs that last a while: a miner tidies up some time after one began.
  network = await startMiningNetwork({ epochMs: 4_000 });
  const first = await network.miner({ dryRun: true });
  await first.miner.run();
  await first.close();
  const state = join(network.dir, 'state');
  // Weights that nobody names any more, as an earlier epoch left them.
  const old = { architecture: 'v1', checksum: 'd'.repeat(64) };
  const store = await openStore({ dir: join(state, 'store'), embeddingDim, durability: 'process' });
  await store.appendScores(old, [{ sampleId: 0, loss: 1, embedding: new Float32Array(16).fill(1), precision: 'f32' }]);
  await store.close();
  const packed = join(state, 'packed');
  const before = await readdir(packed);
  expect(before.length).toBeGreaterThan(0);
  await (await open(join(packed, `${old.checksum}-f32-v1-16x32x2.packed`), 'w')).close();

  const { miner } = await network.miner({ dryRun: true, untilIdle: false, keepScoresEpochs: 0 });
  const stop = new AbortController();
  const started = once(miner.events, 'started');
  const running = miner.run({ signal: stop.signal });
  await started;
  const left = async (): Promise<readonly [scores: number, packed: readonly string[]]> => [
    (await readdir(join(state, 'store', 'scores'))).length,
    (await readdir(packed)).sort(),
  ];
  await expect.poll(left).toEqual([3, before.sort()]);
  stop.abort();
  await running;
});
