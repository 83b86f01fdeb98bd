import { beforeEach, describe, expect, it } from 'vitest';
import { cosineDistance } from '../../src/engine/reference/competition.js';
import { createReferenceDistanceEngine } from '../../src/engine/reference/index.js';
import { createEngineScanner } from '../../src/store/engine-scanner.js';
import {
  createFileScanner,
  createNativeScanner,
  type MatchTarget,
  type ModelKey,
  type RowScanner,
  type Store,
} from '../../src/store/index.js';
import { A, B, model, opened, randomizer, randomVector, sampleBytes, temporaryDir } from './fixtures.js';

const DIM = 4;
const east = Float32Array.of(1, 0, 0, 0);
const north = Float32Array.of(0, 1, 0, 0);

const SCANNERS: Record<string, () => RowScanner> = {
  files: createFileScanner,
  native: () => createNativeScanner(),
  reference: () => createEngineScanner(createReferenceDistanceEngine()),
};
let scanner: (() => RowScanner) | undefined;

async function withScores(rows: readonly (readonly [ModelKey, number, number, Float32Array])[]): Promise<Store> {
  const store = await opened({ dir: temporaryDir() }, { scanner: scanner!() });
  const count = Math.max(...rows.map(([, id]) => id)) + 1;
  await store.appendSamples(Array.from({ length: count }, (_, n) => ({ bytes: sampleBytes(n, 20 + ((n * 7) % 13)) })));
  for (const [key, sampleId, loss, embedding] of rows) {
    await store.appendScores(key, [{ sampleId, loss, embedding, precision: 'f32' }]);
  }
  return store;
}

function target(models: readonly ModelKey[], threshold = 0.5, embedding = east): MatchTarget {
  return { id: 't', models, embedding, threshold };
}

describe.each(Object.entries(SCANNERS))('match with the scanner %s', (_name, create) => {
  beforeEach((context) => {
    scanner = create;
    try {
      create();
    } catch (error) {
      context.skip((error as Error).message);
    }
  });

  it('judges a sample by its winner, in the order of the target', async () => {
    const store = await withScores([
      [A, 0, 1, north],
      [B, 0, 2, east],
      [A, 1, 2, north],
      [B, 1, 1, east],
      [A, 2, 1, east],
    ]);
    expect(await store.match([target([A, B])], { limit: 9 })).toMatchObject([
      { targetId: 't', sampleId: 1, winner: 1, model: B, loss: 1, distance: 0, nearTie: false },
    ]);
    expect(await store.match([target([A])], { limit: 9 })).toMatchObject([{ sampleId: 2 }]);
    expect(await store.match([target([A, model('c')])])).toEqual([]);
  });

  it('gives ties to the lower index and follows the reference on NaN', async () => {
    const store = await withScores([
      [A, 0, 1, east],
      [B, 0, 1, north],
      [A, 1, Number.NaN, east],
      [B, 1, 1, north],
      [A, 2, 1, east],
      [B, 2, Number.NaN, north],
      [A, 3, 1, north],
      [B, 3, Number.NEGATIVE_INFINITY, east],
    ]);
    const hits = await store.match([target([A, B])], { limit: 9 });
    expect(hits.map((hit) => [hit.sampleId, hit.winner, hit.nearTie])).toEqual([
      [0, 0, true],
      [1, 0, true],
      [2, 0, false],
      [3, 1, true],
    ]);
    expect((await store.match([target([B, A])], { limit: 9 })).map((hit) => hit.sampleId)).toEqual([3]);
    const decided = await store.match([target([A, B])], { limit: 9, nearTies: 'skip' });
    expect(decided.map((hit) => hit.sampleId)).toEqual([2]);
  });

  it('flags losses within the error bounds of their precisions', async () => {
    const store = await opened({ dir: temporaryDir() }, { scanner: scanner!() });
    await store.appendSamples([0, 1, 2].map((n) => ({ bytes: sampleBytes(n) })));
    const losses = [1.0005, 1.003, 1.1];
    for (const [sampleId, loss] of losses.entries()) {
      await store.appendScores(A, [{ sampleId, loss: 1, embedding: east, precision: 'bf16' }]);
      await store.appendScores(B, [{ sampleId, loss, embedding: north, precision: sampleId === 0 ? 'f32' : 'bf16' }]);
    }
    const near = async (low: number): Promise<boolean[]> => {
      const hits = await store.match([target([A, B])], { limit: 9, lossErrorBound: { low } });
      return hits.map((hit) => hit.nearTie);
    };
    expect(await near(0.002)).toEqual([true, true, false]);
    expect(await near(0.001)).toEqual([true, false, false]);
    expect(await near(0.0001)).toEqual([false, false, false]);
    expect((await store.match([target([A, A])], { limit: 9 })).map((hit) => hit.nearTie)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('takes up rows, better scores and tombstones after the first match', async () => {
    const store = await withScores([
      [A, 0, 1, east],
      [B, 0, 2, north],
    ]);
    const both = target([A, B]);
    expect((await store.match([both])).map((hit) => hit.sampleId)).toEqual([0]);
    await store.appendScores(A, [{ sampleId: 0, loss: 3, embedding: east, precision: 'f32' }]);
    expect(await store.match([both])).toEqual([]);
    await store.appendSamples([{ bytes: sampleBytes(9) }]);
    const late = { loss: 1, embedding: east, precision: 'f32' as const };
    await store.appendScores(B, [{ sampleId: 1, ...late }]);
    expect(await store.match([both])).toEqual([]);
    await store.appendScores(A, [{ sampleId: 1, ...late }]);
    expect((await store.match([both])).map((hit) => hit.sampleId)).toEqual([1]);
    expect((await store.matchSamples([0, 1], [both])).map((hit) => hit.sampleId)).toEqual([1]);
    expect(await store.matchSamples([0], [both])).toEqual([]);
    await store.tombstone([1]);
    expect(await store.match([both])).toEqual([]);
  });

  it('picks first, closest or cheapest, and goes on past excluded samples', async () => {
    const random = randomizer(7);
    const rows = Array.from({ length: 300 }, (_, n) => [A, n, 1, randomVector(random, DIM)] as const);
    const store = await withScores(rows);
    const all = rows
      .map(([, id, , embedding]) => ({ id, distance: cosineDistance(embedding, east), size: store.sampleSize(id)! }))
      .filter(({ distance }) => distance <= 0.5);
    expect(all.length).toBeGreaterThan(30);
    const ids = async (policy: Parameters<Store['match']>[1]): Promise<number[]> =>
      (await store.match([target([A])], policy)).map((hit) => hit.sampleId);
    expect(await ids({ limit: 5 })).toEqual(all.slice(0, 5).map(({ id }) => id));
    const excluded = new Set(all.slice(0, 3).map(({ id }) => id));
    expect(await ids({ exclude: () => excluded })).toEqual([all[3]!.id]);
    expect(await ids({ pick: 'closest', limit: 3 })).toEqual(
      all
        .toSorted((a, b) => a.distance - b.distance)
        .slice(0, 3)
        .map(({ id }) => id),
    );
    expect(await ids({ pick: 'cheapest', limit: 4 })).toEqual(
      all
        .toSorted((a, b) => a.size - b.size || a.distance - b.distance)
        .slice(0, 4)
        .map(({ id }) => id),
    );
    const inside = await store.match([target([A])], { limit: 999, margin: 0.2 });
    expect(inside.map((hit) => hit.sampleId)).toEqual(all.filter((x) => x.distance <= 0.3).map(({ id }) => id));
  });

  it('hits at exactly the threshold', async () => {
    const embedding = Float32Array.of(0.3, 0.9, -0.2, 0.1);
    const distance = cosineDistance(embedding, east);
    const store = await withScores([[A, 0, 1, embedding]]);
    expect(await store.match([target([A], distance)])).toMatchObject([{ distance }]);
    const bits = new Int32Array(Float32Array.of(distance).buffer);
    const below = new Float32Array(Int32Array.of(bits[0]! - 1).buffer)[0]!;
    expect(await store.match([target([A], below)])).toEqual([]);
  });

  it('serves many targets with different models in one call', async () => {
    const store = await withScores([
      [A, 0, 1, east],
      [B, 0, 2, north],
      [B, 1, 2, east],
    ]);
    const hits = await store.match([
      { ...target([A]), id: 'a' },
      { ...target([B], 0.5, north), id: 'b' },
      { ...target([B]), id: 'c' },
      { ...target([A], 0.5, north), id: 'd' },
    ]);
    expect(hits.map((hit) => [hit.targetId, hit.sampleId]).sort()).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 1],
    ]);
    const broken = { ...target([A]), embedding: new Float32Array(3) };
    await expect(store.match([broken])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.match([target([A])], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});
