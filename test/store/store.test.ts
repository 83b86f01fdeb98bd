import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  collectGarbage,
  createBestScanner,
  exportStore,
  openStore,
  storeInfo,
  verifyStore,
} from '../../src/store/index.js';
import { A, B, opened, randomizer, randomVector, sampleBytes, temporaryDir } from './fixtures.js';

it('forgets scores that are withdrawn, also after it was opened again, until the samples are scored again', async () => {
  const dir = temporaryDir();
  const east = Float32Array.of(1, 0, 0, 0);
  const score = (sampleId: number) => ({ sampleId, loss: 1, embedding: east, precision: 'f32' as const });
  const target = { id: 't', models: [A], embedding: east, threshold: 0.1 };
  let store = await openStore({ dir, embeddingDim: 4 });
  await store.appendSamples([{ bytes: sampleBytes(0) }, { bytes: sampleBytes(1) }]);
  await store.appendScores(A, [score(0), score(1)]);
  expect((await store.match([target]))[0]?.sampleId).toBe(0);
  await store.withdrawScores(A, [0]);
  for (let opened = 0; opened < 2; opened++) {
    expect(store.score(0, A)).toBeUndefined();
    expect(store.unscored(A)).toEqual([0]);
    expect((await store.match([target])).map(({ sampleId }) => sampleId)).toEqual([1]);
    expect((await verifyStore(store)).faults).toEqual([]);
    await store.close();
    store = await openStore({ dir, embeddingDim: 4 });
  }
  await store.appendScores(A, [score(0)]);
  expect(store.score(0, A)?.loss).toBe(1);
  await store.close();
});

describe('store', () => {
  it('gives samples back and knows them by checksum', async () => {
    const store = await opened({ dir: temporaryDir() });
    const [first, second, again] = await store.appendSamples([
      { bytes: sampleBytes(1), origin: 'file:///eins ü' },
      { bytes: sampleBytes(2) },
      { bytes: sampleBytes(1), origin: 'elsewhere' },
    ]);
    expect([first?.id, second?.id, again?.id]).toEqual([0, 1, 0]);
    expect([first?.duplicate, second?.duplicate, again?.duplicate]).toEqual([false, false, true]);
    expect(store.has(first!.checksum)).toBe(true);
    expect(store.has(new Uint8Array(32))).toBe(false);
    const sample = store.sample(0);
    expect(sample.origin).toBe('file:///eins ü');
    expect(Buffer.from(sample.bytes).equals(sampleBytes(1))).toBe(true);
    const [later] = await store.appendSamples([{ bytes: sampleBytes(2) }]);
    expect(later).toMatchObject({ id: 1, duplicate: true });
  });

  it('knows the samples of a batch that is larger than one statement takes, each once', async () => {
    const dir = temporaryDir();
    const store = await openStore({ dir, embeddingDim: 4, durability: 'process' });
    const input = (n: number) => ({ bytes: Uint8Array.of(n & 255, (n >> 8) & 255, n >> 16) });
    await store.appendSamples([input(5), input(70_000)]);
    const numbers = Array.from({ length: 70_001 }, (_, n) => n);
    const added = await store.appendSamples([...numbers, 3, 69_999].map(input));
    expect(added.flatMap(({ duplicate }, i) => (duplicate ? [i] : []))).toEqual([5, 70_000, 70_001, 70_002]);
    expect([added[5], added[70_000]].map((sample) => sample!.id)).toEqual([0, 1]);
    expect([added[70_001], added[70_002]].map((sample) => sample!.id)).toEqual([added[3]!.id, added[69_999]!.id]);
    expect(store.sampleCount).toBe(70_001);
    await store.close();
    const again = await opened({ dir });
    const ids = (await again.appendSamples(numbers.map(input))).map(({ id }) => id);
    expect(ids).toEqual(added.slice(0, numbers.length).map(({ id }) => id));
    expect(again.sampleCount).toBe(70_001);
  });

  it('keeps scores across a reopening, bit for bit', async () => {
    const dir = temporaryDir();
    const store = await opened({ dir, embeddingDim: 17 });
    const random = randomizer(1);
    await store.appendSamples([0, 1, 2].map((n) => ({ bytes: sampleBytes(n) })));
    const embedding = randomVector(random, 17);
    await store.appendScores(A, [{ sampleId: 1, loss: 3.25, embedding, precision: 'bf16' }]);
    await store.close();
    const again = await opened({ dir, embeddingDim: 17 });
    expect(again.score(1, A)).toEqual({ loss: 3.25, embedding, precision: 'bf16' });
    expect(again.score(0, A)).toBeUndefined();
    expect(again.score(1, B)).toBeUndefined();
    expect(again.unscored(A)).toEqual([0, 2]);
    expect(again.unscored(A, { after: 0 })).toEqual([2]);
    expect(again.unscored(B, { limit: 2 })).toEqual([0, 1]);
    expect(again.unscored(B, { limit: 2, newestFirst: true })).toEqual([2, 1]);
    expect(again.unscored(B, { after: 1, newestFirst: true })).toEqual([2]);
    expect(again.repairs).toEqual({
      samplesLost: 0,
      samplesAdopted: 0,
      scoresLost: 0,
      scoresAdopted: 0,
      indexRebuilt: false,
    });
  });

  it('lets a second score of a sample replace the first', async () => {
    const dir = temporaryDir();
    const store = await opened({ dir });
    await store.appendSamples([{ bytes: sampleBytes(0) }]);
    const score = { sampleId: 0, embedding: Float32Array.of(1, 0, 0, 0) };
    await store.appendScores(A, [{ ...score, loss: 2, precision: 'bf16' }]);
    await store.appendScores(A, [{ ...score, loss: 1, precision: 'f32' }]);
    expect(store.score(0, A)).toMatchObject({ loss: 1, precision: 'f32' });
    await store.close();
    expect((await opened({ dir })).score(0, A)).toMatchObject({ loss: 1, precision: 'f32' });
  });

  it('refuses what does not fit', async () => {
    const dir = temporaryDir();
    const store = await opened({ dir });
    await expect(store.appendSamples([{ bytes: new Uint8Array() }])).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    await store.appendSamples([{ bytes: sampleBytes(0) }]);
    const row = { sampleId: 0, loss: 1, precision: 'f32' } as const;
    const wrong = { ...row, embedding: new Float32Array(3) };
    await expect(store.appendScores(A, [wrong])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const missing = { ...row, sampleId: 7, embedding: new Float32Array(4) };
    await expect(store.appendScores(A, [missing])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const key = { architecture: '../x', checksum: A.checksum };
    await expect(store.appendScores(key, [{ ...row, embedding: new Float32Array(4) }])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await store.appendScores(A, [{ ...row, embedding: new Float32Array(4) }]);
    expect(() => store.sample(9)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    await store.close();
    await expect(openStore({ dir, embeddingDim: 5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('has one writer and many readers, who see what was committed', async () => {
    const dir = temporaryDir();
    await expect(openStore({ dir, embeddingDim: 4, readonly: true })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    const writer = await opened({ dir });
    await expect(openStore({ dir, embeddingDim: 4 })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      details: { pid: String(process.pid) },
    });
    let closed = 0;
    const scanner = { ...createBestScanner(), close: async () => void closed++ };
    await expect(openStore({ dir, embeddingDim: 4 }, { scanner })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(closed).toBe(1);
    const reader = await opened({ dir, readonly: true });
    expect(reader.sampleCount).toBe(0);
    await writer.appendSamples([0, 1].map((n) => ({ bytes: sampleBytes(n) })));
    const embedding = Float32Array.of(1, 0, 0, 0);
    await writer.appendScores(
      A,
      [0, 1].map((sampleId) => ({ sampleId, loss: 1, embedding, precision: 'f32' as const })),
    );
    reader.refresh();
    expect(reader.sampleCount).toBe(2);
    const target = { id: 't', models: [A], embedding, threshold: 0.5 };
    expect(await reader.match([target], { limit: 9 })).toHaveLength(2);
    await writer.tombstone([0]);
    reader.refresh();
    expect((await reader.match([target], { limit: 9 })).map((hit) => hit.sampleId)).toEqual([1]);
    await expect(reader.appendSamples([{ bytes: sampleBytes(5) }])).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
    });
    await collectGarbage(writer, []);
    reader.refresh();
    expect(reader.models).toEqual([]);
    await writer.close();
    await opened({ dir });
  });

  it('forgets tombstoned samples in matches only', async () => {
    const dir = temporaryDir();
    const store = await opened({ dir });
    const [sample] = await store.appendSamples([{ bytes: sampleBytes(0) }]);
    await store.tombstone([0]);
    await store.close();
    const again = await opened({ dir });
    expect(again.has(sample!.checksum)).toBe(true);
    expect(again.unscored(A)).toEqual([]);
    expect(storeInfo(again).deadSamples).toBe(1);
  });

  it('collects the scores of inactive models, also those a broken removal left', async () => {
    const dir = temporaryDir();
    const store = await opened({ dir });
    await store.appendSamples([{ bytes: sampleBytes(0) }]);
    const row = { sampleId: 0, loss: 1, embedding: new Float32Array(4), precision: 'f32' as const };
    await store.appendScores(A, [row]);
    await store.appendScores(B, [row]);
    const { removed, freedBytes } = await collectGarbage(store, [B]);
    expect(removed).toEqual([{ model: A, rows: 1 }]);
    expect(freedBytes).toBe(24 + 16 + 8);
    expect(store.models).toEqual([B]);
    await store.appendScores(A, [row]);
    expect(store.score(0, A)?.loss).toBe(1);
    await store.close();
    mkdirSync(join(dir, 'scores', '.removed-x', 'y'), { recursive: true });
    expect((await opened({ dir })).models).toHaveLength(2);
  });

  it('exports one JSON object a live sample', async () => {
    const store = await opened({ dir: temporaryDir() });
    await store.appendSamples([0, 1].map((n) => ({ bytes: sampleBytes(n), origin: `o${n}` })));
    const embedding = Float32Array.of(1, 2, 3, 4);
    await store.appendScores(A, [{ sampleId: 1, loss: 1.5, embedding, precision: 'bf16' }]);
    await store.tombstone([0]);
    const lines: string[] = [];
    for await (const line of exportStore(store, { embeddings: true, bytes: true })) lines.push(line);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      id: 1,
      origin: 'o1',
      sizeBytes: 40,
      bytes: Buffer.from(sampleBytes(1)).toString('base64'),
      scores: [{ ...A, loss: 1.5, precision: 'bf16', embedding: [1, 2, 3, 4] }],
    });
    expect(await verifyStore(store)).toEqual({ samples: 2, rows: 1, faults: [] });
  });
});
