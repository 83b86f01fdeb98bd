import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLockedForWriting } from '../../src/database/writer-lock.js';
import { SharedRows } from '../../src/miner/share/shared-rows.js';
import { SharedSlot } from '../../src/miner/share/shared-slot.js';
import { freeSlot } from '../../src/miner/share/slots.js';
import { storeDirOf } from '../../src/miner/state/state-entries.js';
import { KnownSamples, type ModelKey, openStore, type Store } from '../../src/store/index.js';

const DIM = 4;
const [A, B]: [ModelKey, ModelKey] = [
  { architecture: 'v1', checksum: 'aa'.repeat(32) },
  { architecture: 'v1', checksum: 'bb'.repeat(32) },
];

let dir: string;
let own: Store;
let other: Store;
let slot: SharedSlot;
let time = 0;
let awaited: readonly ModelKey[] = [];
const deps = () => ({
  store: own,
  precision: 'bf16' as const,
  wanted: () => [A, B],
  awaited: () => awaited,
  now: () => time,
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-shared-'));
  own = await openStore({ dir: storeDirOf(dir), embeddingDim: DIM });
  other = await openStore({ dir: storeDirOf(freeSlot(dir)), embeddingDim: DIM });
  time = 0;
  awaited = [A, B];
  const found = await SharedSlot.open(join(dir, 'shared', '1'), deps());
  if (found === undefined) throw new Error('there is a store');
  slot = found;
});
afterEach(async () => {
  await slot.close();
  await other.close();
  await own.close();
  await rm(dir, { recursive: true, force: true });
});

const sample = (text: string) => ({ bytes: new TextEncoder().encode(text), origin: text });
const score = (sampleId: number, loss: number) => ({
  sampleId,
  loss,
  embedding: Float32Array.of(1, 2, 3, sampleId),
  precision: 'bf16' as const,
});

/** Takes over what is left to its end; the ids that have scores. */
async function finished(): Promise<number[]> {
  const scored: number[] = [];
  for (;;) {
    const rest = await slot.finish();
    if (rest === 'gone') return scored;
    if (rest === undefined) throw new Error('the other process is there');
    scored.push(...rest.scored);
  }
}

test('samples are taken over with all their scores, under the ids they have here, once', async () => {
  await own.appendSamples([sample('mine'), sample('both')]);
  await other.appendSamples([sample('both'), sample('theirs')]);
  await other.appendScores(A, [score(0, 1), score(1, 2)]);
  await other.appendScores(B, [score(0, 3), score(1, 4)]);
  expect((await slot.take()).scored).toEqual([1, 2]);
  expect((await slot.take()).scored).toEqual([]);
  expect(own.sample(2).origin).toBe('theirs');
  expect(own.score(2, B)).toEqual({ loss: 4, embedding: Float32Array.of(1, 2, 3, 1), precision: 'bf16' });
});

test('a sample waits for its scores under other models, but not for ever', async () => {
  await other.appendSamples([sample('one'), sample('two')]);
  await other.appendScores(A, [score(0, 1), score(1, 1)]);
  await other.appendScores(B, [score(0, 2)]);
  expect((await slot.take()).scored).toEqual([0]);
  expect((await slot.take()).scored).toEqual([]);
  time = 60_000;
  expect((await slot.take()).scored).toEqual([1]);
  await other.appendScores(B, [score(1, 2)]);
  expect((await slot.take()).scored).toEqual([1]);
});

test('what was there when a wait began is taken over without another, and a model that targets name no more is not waited for', async () => {
  const ids = Array.from({ length: 600 }, (_, i) => i);
  await other.appendSamples(ids.map((i) => sample(`sample ${i}`)));
  await other.appendScores(B, [score(599, 1)]);
  const takeAll = async () => {
    let taken = 0;
    for (let more = true; more; ) {
      const rows = await slot.take();
      taken += rows.scored.length;
      more = rows.more;
    }
    return taken;
  };
  await other.appendScores(
    A,
    ids.slice(0, 550).map((i) => score(i, 1)),
  );
  expect(await takeAll()).toBe(0);
  time = 60_000;
  expect(await takeAll()).toBe(551);
  await other.appendScores(
    A,
    ids.slice(550).map((i) => score(i, 1)),
  );
  expect(await takeAll()).toBe(0);
  awaited = [A];
  expect(await takeAll()).toBe(50);
});

test('a score whose error this miner has no measure of is left, and its sample taken', async () => {
  await other.appendSamples([sample('f16'), sample('f32')]);
  await other.appendScores(A, [
    { ...score(0, 1), precision: 'f16' },
    { ...score(1, 1), precision: 'f32' },
  ]);
  awaited = [A];
  expect((await slot.take()).scored).toEqual([1]);
  expect(own.sample(0).origin).toBe('f16');
  expect(own.unscored(A)).toEqual([0]);
});

test('pages of known samples are passed over, and nothing new behind them is lost', async () => {
  const ids = Array.from({ length: 600 }, (_, i) => i);
  await own.appendSamples(ids.map((i) => sample(`sample ${i}`)));
  await own.appendScores(
    A,
    ids.map((i) => score(i, 1)),
  );
  await other.appendSamples([...ids.map((i) => sample(`sample ${i}`)), sample('new')]);
  await other.appendScores(
    A,
    [...ids, 600].map((i) => score(i, 1)),
  );
  awaited = [A];
  const rows = new SharedRows(dir, { ...deps(), emitter: new EventEmitter() });
  expect(await rows.take()).toEqual({ scored: [600], more: true });
  await rows.close();
  await own.tombstone([600]);
  await other.appendSamples([sample('newer')]);
  await other.appendScores(A, [score(601, 1)]);
  await other.close();
  expect(await finished()).toEqual([601]);
});

test('a store whose removal was broken off counts as empty, and one that cannot be read is left alone for a while', async () => {
  await other.appendSamples([sample('one')]);
  await other.close();
  await slot.close();
  const stateDir = join(dir, 'shared', '1');
  await rm(join(storeDirOf(stateDir), 'samples'), { recursive: true });
  const emitter = new EventEmitter<{ warning: [unknown] }>();
  const warnings: unknown[] = [];
  emitter.on('warning', (warning) => warnings.push(warning));
  const rows = new SharedRows(dir, { ...deps(), emitter });
  for (time = 0; time < 14_000; time += 1_000) expect(await rows.take()).toEqual({ scored: [], more: false });
  expect(warnings).toEqual([]);
  await rm(storeDirOf(stateDir), { recursive: true });
  await mkdir(storeDirOf(stateDir));
  await writeFile(join(storeDirOf(stateDir), 'index.db'), 'not a database'.repeat(1_000));
  for (time = 20_000; time < 34_000; time += 1_000) await rows.take();
  expect(warnings).toHaveLength(1);
});

test('scores that this miner has stay as they are', async () => {
  await own.appendSamples([sample('both')]);
  await own.appendScores(A, [score(0, 7)]);
  await other.appendSamples([sample('both')]);
  await other.appendScores(A, [score(0, 1)]);
  expect((await slot.take()).scored).toEqual([]);
  expect(own.score(0, A)?.loss).toBe(7);
});

test('what is left when the other process is gone is taken over, unscored samples too, and removed', async () => {
  await other.appendSamples([sample('scored'), sample('not scored')]);
  await other.appendScores(A, [score(0, 1)]);
  await other.appendScores(B, [score(0, 1)]);
  expect(await slot.finish()).toBeUndefined();
  expect(freeSlot(dir)).toBe(join(dir, 'shared', '2'));
  await other.close();
  expect(await finished()).toEqual([0]);
  expect(own.unscored(A)).toEqual([1]);
  expect(existsSync(join(storeDirOf(join(dir, 'shared', '1')), 'samples'))).toBe(false);
  expect(freeSlot(dir)).toBe(join(dir, 'shared', '1'));
});

test('what is left is taken over a page at a time, and given up between pages leaves the rest and the lock', async () => {
  await other.appendSamples(Array.from({ length: 600 }, (_, i) => sample(`sample ${i}`)));
  await other.close();
  await slot.close();
  const rows = new SharedRows(dir, { ...deps(), emitter: new EventEmitter() });
  expect(await rows.take()).toEqual({ scored: [], more: true });
  expect(own.sampleCount).toBe(256);
  expect(isLockedForWriting(storeDirOf(join(dir, 'shared', '1')))).toBe(true);
  expect(await rows.take(AbortSignal.abort())).toEqual({ scored: [], more: false });
  expect(own.sampleCount).toBe(256);
  await rows.close();
  expect(freeSlot(dir)).toBe(join(dir, 'shared', '1'));
  const later = new SharedRows(dir, { ...deps(), emitter: new EventEmitter() });
  while ((await later.take()).more) expect(own.sampleCount).toBeLessThanOrEqual(600);
  expect(own.sampleCount).toBe(600);
  expect(existsSync(join(storeDirOf(join(dir, 'shared', '1')), 'samples'))).toBe(false);
  await later.close();
});

test('checking whether a lock is taken takes none, and a store can be read beside its writer', async () => {
  expect(isLockedForWriting(storeDirOf(dir))).toBe(true);
  expect(isLockedForWriting(join(dir, 'nothing'))).toBe(false);
  const known = new KnownSamples(storeDirOf(dir));
  const [{ checksum } = { checksum: new Uint8Array(32) }] = await own.appendSamples([sample('one')]);
  expect([known.has(checksum), known.has(new Uint8Array(32))]).toEqual([true, false]);
  known.close();
  await own.close();
  expect(isLockedForWriting(storeDirOf(dir))).toBe(false);
});
