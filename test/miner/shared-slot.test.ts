import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLockedForWriting } from '../../src/database/writer-lock.js';
import { SharedSlot } from '../../src/miner/share/shared-slot.js';
import { freeSlot, storeDirOf } from '../../src/miner/share/slots.js';
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
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-shared-'));
  own = await openStore({ dir: storeDirOf(dir), embeddingDim: DIM });
  other = await openStore({ dir: storeDirOf(freeSlot(dir)), embeddingDim: DIM });
  time = 0;
  const found = await SharedSlot.open(join(dir, 'shared', '1'), { store: own, wanted: () => [A, B], now: () => time });
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

test('samples are taken over with all their scores, under the ids they have here, once', async () => {
  await own.appendSamples([sample('mine'), sample('both')]);
  await other.appendSamples([sample('both'), sample('theirs')]);
  await other.appendScores(A, [score(0, 1), score(1, 2)]);
  await other.appendScores(B, [score(0, 3), score(1, 4)]);
  expect(await slot.take()).toEqual([1, 2]);
  expect(await slot.take()).toEqual([]);
  expect(own.sample(2).origin).toBe('theirs');
  expect(own.score(2, B)).toEqual({ loss: 4, embedding: Float32Array.of(1, 2, 3, 1), precision: 'bf16' });
});

test('a sample waits for its scores under other models, but not for ever', async () => {
  await other.appendSamples([sample('one'), sample('two')]);
  await other.appendScores(A, [score(0, 1), score(1, 1)]);
  await other.appendScores(B, [score(0, 2)]);
  expect(await slot.take()).toEqual([0]);
  expect(await slot.take()).toEqual([]);
  time = 60_000;
  expect(await slot.take()).toEqual([1]);
  await other.appendScores(B, [score(1, 2)]);
  expect(await slot.take()).toEqual([1]);
});

test('scores that this miner has stay as they are', async () => {
  await own.appendSamples([sample('both')]);
  await own.appendScores(A, [score(0, 7)]);
  await other.appendSamples([sample('both')]);
  await other.appendScores(A, [score(0, 1)]);
  expect(await slot.take()).toEqual([]);
  expect(own.score(0, A)?.loss).toBe(7);
});

test('what is left when the other process is gone is taken over, unscored samples too, and removed', async () => {
  await other.appendSamples([sample('scored'), sample('not scored')]);
  await other.appendScores(A, [score(0, 1)]);
  await other.appendScores(B, [score(0, 1)]);
  expect(await slot.finish()).toBeUndefined();
  expect(freeSlot(dir)).toBe(join(dir, 'shared', '2'));
  await other.close();
  expect(await slot.finish()).toEqual([0]);
  expect(own.unscored(A)).toEqual([1]);
  expect(existsSync(join(storeDirOf(join(dir, 'shared', '1')), 'samples'))).toBe(false);
  expect(freeSlot(dir)).toBe(join(dir, 'shared', '1'));
});

test('a look whether a lock is taken takes none, and a store tells what it has beside its writer', async () => {
  expect(isLockedForWriting(storeDirOf(dir))).toBe(true);
  expect(isLockedForWriting(join(dir, 'nothing'))).toBe(false);
  const known = new KnownSamples(storeDirOf(dir));
  const [{ checksum } = { checksum: new Uint8Array(32) }] = await own.appendSamples([sample('one')]);
  expect([known.has(checksum), known.has(new Uint8Array(32))]).toEqual([true, false]);
  known.close();
  await own.close();
  expect(isLockedForWriting(storeDirOf(dir))).toBe(false);
});
