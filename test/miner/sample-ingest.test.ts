import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SampleIngest } from '../../src/miner/feed/sample-ingest.js';
import type { Sample } from '../../src/sources/index.js';
import { openStore, type Store } from '../../src/store/index.js';

let dir: string;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-ingest-'));
  store = await openStore({ dir, embeddingDim: 16, durability: 'process' });
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

test('a source that stays silent costs nothing however often it is looked at, and loses no sample', async () => {
  let deliver: (result: IteratorResult<Sample>) => void = () => {};
  const silent = new Promise<IteratorResult<Sample>>((resolve) => {
    deliver = resolve;
  });
  const waits = vi.spyOn(silent, 'then');
  const results = [silent];
  const source: AsyncIterable<Sample> = {
    [Symbol.asyncIterator]: () => ({
      next: () => results.shift() ?? Promise.resolve({ done: true, value: undefined }),
    }),
  };
  const ingest = new SampleIngest(source, store);
  const { signal } = new AbortController();
  for (let look = 0; look < 4; look++) expect(await ingest.next(8, signal)).toEqual([]);
  expect(waits).toHaveBeenCalledTimes(1);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  deliver({ value: { bytes: Uint8Array.of(1, 2, 3), origin: 'late', unit: 0 } });
  expect(await ingest.next(8, signal)).toEqual([0]);
  expect(store.sample(0).origin).toBe('late');
  expect(ingest.ended).toBe(true);
});

test('what is new among endless known bytes is handed out', async () => {
  async function* repeated(): AsyncGenerator<Sample> {
    yield { bytes: Uint8Array.of(1), origin: 'new', unit: 0 };
    for (;;) yield { bytes: Uint8Array.of(2), origin: 'again', unit: 0 };
  }
  const ingest = new SampleIngest(repeated(), store);
  const { signal } = new AbortController();
  expect(await ingest.next(8, signal)).toEqual([0, 1]);
  expect(await ingest.next(8, signal)).toEqual([]);
  expect(ingest).toMatchObject({ taken: 2, ended: false, hasMore: true });
});

test('a stop ends the wait at once', async () => {
  const source: AsyncIterable<Sample> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
  const stop = new AbortController();
  const ingest = new SampleIngest(source, store);
  // Its patience never runs out, so that nothing but the stop can end the wait.
  vi.useFakeTimers();
  try {
    const waiting = ingest.next(8, stop.signal);
    await Promise.resolve();
    stop.abort();
    expect(await waiting).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});

test('a failing source is reported once, and asked again after that', async () => {
  let asked = 0;
  const source: AsyncIterable<Sample> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        if (asked++ === 0) throw new Error('first');
        return { done: true, value: undefined };
      },
    }),
  };
  const ingest = new SampleIngest(source, store);
  const { signal } = new AbortController();
  await expect(ingest.next(1, signal)).rejects.toThrow('first');
  expect(await ingest.next(1, signal)).toEqual([]);
  expect(ingest.ended).toBe(true);
});
