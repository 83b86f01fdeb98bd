import { describe, expect, test } from 'vitest';
import { createJsEngine } from '../../src/engine/js/index.js';
import { cosineDistance, selectBest } from '../../src/engine/reference/index.js';
import {
  type ComposePolicy,
  Composer,
  collectGarbage,
  composedOrigin,
  composedScore,
  joinParts,
  type MatchTarget,
  partsOfOrigin,
  type Store,
  scoreFromParts,
} from '../../src/store/index.js';
import { modelKeyId } from '../../src/store/model-key.js';
import { freeGarbage } from '../collected.js';
import { runnerWeightsFile } from '../engine/small-model.js';
import { A, B, opened, randomizer, randomVector, temporaryDir } from './fixtures.js';

const CONFIG = {
  embeddingDim: 16,
  numHeads: 4,
  numLayers: 2,
  hiddenDim: 32,
  vocabSize: 264,
  sequenceLength: 64,
  batchSize: 16,
};
const CHUNK = CONFIG.sequenceLength;

interface Row {
  readonly a: readonly [loss: number, ...embedding: number[]];
  readonly b?: readonly [loss: number, ...embedding: number[]];
  readonly precision?: 'f32' | 'bf16';
  readonly bytes?: number;
}

/** A store of chunks with these scores, sample i being row i. */
async function storeOf(rows: readonly Row[]): Promise<Store> {
  const store = await opened({ dir: temporaryDir(), embeddingDim: (rows[0]?.a.length ?? 1) - 1 });
  await store.appendSamples(rows.map(({ bytes = CHUNK }, i) => ({ bytes: new Uint8Array(bytes).fill(i) })));
  const add = async (key: typeof A, name: 'a' | 'b'): Promise<void> => {
    const scores = rows.flatMap((row, sampleId) => {
      const [loss, ...embedding] = row[name] ?? [];
      if (loss === undefined) return [];
      return [
        { sampleId, loss, embedding: Float32Array.from(embedding), precision: row.precision ?? ('f32' as const) },
      ];
    });
    await store.appendScores(key, scores);
  };
  await add(A, 'a');
  if (rows.some(({ b }) => b !== undefined)) await add(B, 'b');
  return store;
}

function target(embedding: readonly number[], threshold: number, models = [A]): MatchTarget {
  return { id: 't', models, embedding: Float32Array.from(embedding), threshold };
}

const composerOf = (store: Store): Composer => new Composer(store, { chunkBytes: CHUNK });

async function composeOne(composer: Composer, wanted: MatchTarget, policy: ComposePolicy = {}) {
  const [found] = await composer.compose([wanted], policy);
  return found;
}

describe('the score of joined parts', () => {
  test('is what the reference makes of the joined bytes, the winner included', async () => {
    const engine = createJsEngine();
    const models = await Promise.all([3, 4].map((seed) => engine.load(runnerWeightsFile(CONFIG, seed), CONFIG)));
    const random = randomizer(5);
    const chunks = Array.from({ length: 24 }, (_, i) =>
      Uint8Array.from({ length: CHUNK }, () => (i % 3 === 0 ? i : Math.floor((random() + 1) * (8 + 5 * i)) % 256)),
    );
    const single = await Promise.all(models.map((model) => model.score(chunks)));
    const aim = randomVector(random, CONFIG.embeddingDim);
    let decided = 0;
    for (let n = 0; n < 40; n++) {
      const parts = Array.from({ length: 1 + (n % 16) }, () => Math.floor(((random() + 1) / 2) * 23.99));
      const { bytes } = joinParts(
        parts.map((part) => chunks[part]!),
        CONFIG,
      );
      const composed = single.map((scores) => composedScore(parts.map((part) => scores[part]!)));
      const joined = (await Promise.all(models.map((model) => model.score([bytes])))).map(([score]) => score!);
      for (const [m, score] of joined.entries()) {
        expect(Math.abs(composed[m]!.loss - score.loss)).toBeLessThan(1e-4);
        const off = cosineDistance(composed[m]!.embedding, aim) - cosineDistance(score.embedding, aim);
        expect(Math.abs(off)).toBeLessThan(1e-5);
      }
      const losses = composed.map(({ loss }) => loss);
      if (Math.abs(losses[0]! - losses[1]!) < 1e-4) continue;
      decided++;
      expect(selectBest(losses)).toBe(selectBest(joined.map(({ loss }) => loss)));
    }
    expect(decided).toBeGreaterThan(30);
  }, 60_000);

  test('weighs a part by its chunks', () => {
    const one = { loss: 1, embedding: Float32Array.of(1, 0) };
    const three = { loss: 5, embedding: Float32Array.of(0, 1), chunks: 3 };
    expect(composedScore([one, three])).toEqual({ loss: 4, embedding: Float32Array.of(0.25, 0.75) });
  });

  test('is refused where joining would cut the parts elsewhere, or make a second batch', () => {
    const chunk = new Uint8Array(CHUNK);
    expect(joinParts([chunk, chunk, new Uint8Array(3)], CONFIG).chunks).toEqual([1, 1, 1]);
    expect(() => joinParts([new Uint8Array(3), chunk], CONFIG)).toThrowError(/part 1 has 3 bytes/);
    expect(() => joinParts(Array(17).fill(chunk), CONFIG)).toThrowError(/17 chunks/);
    expect(() => joinParts([], CONFIG)).toThrowError(/needs parts/);
  });
});

describe('compositions', () => {
  test('hit what no single sample does', async () => {
    const store = await storeOf([{ a: [1, 1, 0, 0] }, { a: [1, 0, 1, 0] }, { a: [1, 0, 0, 1] }]);
    const found = await composeOne(composerOf(store), target([2, 1, 0], 0.001));
    expect(found?.parts).toEqual([0, 0, 1]);
    expect(found?.distance).toBeLessThan(1e-6);
    expect(found?.isF32).toBe(true);
    expect(await store.match([target([2, 1, 0], 0.001)])).toEqual([]);
    expect(await composeOne(composerOf(store), target([-1, 0, 0], 0.5))).toBeUndefined();
  });

  test('are not made of scores that are withdrawn meanwhile', async () => {
    const wanted = target([2, 1, 0], 0.001);
    for (const method of ['compose', 'closest'] as const) {
      const store = await storeOf([{ a: [1, 1, 0, 0] }, { a: [1, 0, 1, 0] }, { a: [1, 0, 0, 1] }]);
      const composer = composerOf(store);
      await composer.refresh(wanted);
      const finding = composer[method]([wanted]);
      await store.withdrawScores(A, [0]);
      expect(await finding).toEqual([undefined]);
    }
  });

  test('keep nothing in memory of weights that are gone', async () => {
    const rows = [
      { a: [1, 1, 0] as const, b: [2, 0, 1] as const },
      { a: [1, 0, 1] as const, b: [2, 1, 0] as const },
    ];
    const store = await storeOf(rows);
    const composer = composerOf(store);
    await composer.compose([target([1, 1], 2, [A, B])]);
    const log = new WeakRef(store.internals.logs.get(modelKeyId(B))!);
    await collectGarbage(store, [A]);
    await composer.compose([target([1, 1], 2)]);
    await freeGarbage();
    expect(log.deref() === undefined).toBe(true);
  });

  test('have at most the parts that are allowed', async () => {
    const store = await storeOf([{ a: [1, 1, 0] }, { a: [1, 0, 1] }]);
    const goal = target([5, 1], 1e-4);
    expect(await composeOne(composerOf(store), goal, { maxParts: 5 })).toBeUndefined();
    expect((await composeOne(composerOf(store), goal, { maxParts: 6 }))?.parts).toEqual([0, 0, 0, 0, 0, 1]);
  });

  test('never let a part make another model the winner of the joined sample', async () => {
    // Sample 1 is what the target lacks, but model B would win the two together.
    const flips: Row[] = [
      { a: [1, 1, 0], b: [1.1, 0, -1] },
      { a: [2, 0, 1], b: [1, 0, -1] },
    ];
    const goal = target([1, 1], 0.01, [A, B]);
    expect(await composeOne(composerOf(await storeOf(flips)), goal)).toBeUndefined();
    // Where the means decide clearly, parts that others win one by one are fair.
    const holds: Row[] = [flips[0]!, { a: [1.04, 0, 1], b: [1, 0, -1] }];
    const found = await composeOne(composerOf(await storeOf(holds)), goal);
    expect(found?.parts).toEqual([0, 1]);
    expect(found?.winner).toBe(0);
  });

  test('keep the bounds of all their losses apart, those of rows in low precision being wide', async () => {
    const rows = (precision: 'f32' | 'bf16'): Row[] => [
      { a: [1, 1, 0], b: [1.003, 0, -1], precision },
      { a: [1, 0, 1], b: [1.003, 0, -1], precision },
    ];
    const goal = target([1, 1], 0.01, [A, B]);
    const lossErrorBound = { f32: 1e-5, low: 2e-3 };
    expect(await composeOne(composerOf(await storeOf(rows('bf16'))), goal, { lossErrorBound })).toBeUndefined();
    expect((await composeOne(composerOf(await storeOf(rows('f32'))), goal, { lossErrorBound }))?.isF32).toBe(true);
    const narrow = await composeOne(composerOf(await storeOf(rows('bf16'))), goal, { lossErrorBound: { low: 1e-4 } });
    expect(narrow?.isF32).toBe(false);
  });

  test('follow the store: new rows, better rows, samples that are gone', async () => {
    const store = await storeOf([{ a: [1, 1, 0] }, { a: [1, 0.9, 0.1] }]);
    const composer = composerOf(store);
    const goal = target([1, 1], 0.01);
    expect(await composeOne(composer, goal)).toBeUndefined();
    await store.appendSamples([{ bytes: new Uint8Array(CHUNK).fill(77) }]);
    const score = (embedding: number[]) => ({ sampleId: 2, loss: 1, embedding: Float32Array.from(embedding) });
    await store.appendScores(A, [{ ...score([0.5, 0.1]), precision: 'bf16' }]);
    expect(await composeOne(composer, goal)).toBeUndefined();
    await store.appendScores(A, [{ ...score([0, 1]), precision: 'f32' }]);
    expect((await composeOne(composer, goal))?.parts).toContain(2);
    await store.tombstone([2]);
    expect(await composeOne(composer, goal)).toBeUndefined();
  });

  test('are made of samples of one whole chunk only', async () => {
    const rows: Row[] = [{ a: [1, 1, 0] }, { a: [1, 0, 1], bytes: CHUNK - 1 }, { a: [1, 0, 1], bytes: 2 * CHUNK }];
    expect(await composeOne(composerOf(await storeOf(rows)), target([1, 1], 0.01))).toBeUndefined();
  });

  test('exchange parts that the greedy start chose badly', async () => {
    const random = randomizer(11);
    let optimal = 0;
    for (let n = 0; n < 30; n++) {
      const rows = Array.from({ length: 14 }, (): Row => ({ a: [1, ...randomVector(random, 6)] }));
      const aim = [...randomVector(random, 6)];
      const [found] = await composerOf(await storeOf(rows)).distances([target(aim, 0)], { maxParts: 3 });
      let best = 2;
      for (const x of rows)
        for (const y of rows)
          for (const z of rows) {
            const sum = Float32Array.from(aim, (_, i) => x.a[i + 1]! + y.a[i + 1]! + z.a[i + 1]!);
            best = Math.min(best, cosineDistance(sum, Float32Array.from(aim)));
          }
      if (found! <= best + 1e-5) optimal++;
    }
    // Greedy alone finds fewer.
    expect(optimal).toBeGreaterThan(24);
  }, 60_000);

  test('are searched among rows that stay spread out where more come than are kept', async () => {
    const store = await storeOf(
      Array.from({ length: 9 }, (_, i): Row => ({ a: [1, i === 8 ? 0 : 1, i === 8 ? 1 : i / 100] })),
    );
    const composer = new Composer(store, { chunkBytes: CHUNK, capacity: 4 });
    expect((await composeOne(composer, target([1, 1.03], 0.01)))?.parts).toContain(8);
  });

  test('are searched for several targets at once', async () => {
    const store = await storeOf([{ a: [1, 1, 0] }, { a: [1, 0, 1] }]);
    const goals = [target([1, 1], 0.01), target([-1, 0], 0.01), target([1, 2], 0.01)];
    const found = await composerOf(store).compose(goals);
    expect(found.map((each) => each?.parts)).toEqual([[0, 1], undefined, [0, 1, 1]]);
  });
});

test('the origin of a composed sample tells its parts, and they its score under a model that comes later', async () => {
  const store = await storeOf([
    { a: [1, 1, 0], b: [3, 1, 0] },
    { a: [2, 0, 1], b: [5, 0, 1], precision: 'bf16' },
  ]);
  const origin = composedOrigin([0, 1]);
  expect(origin).toBe('2 parts: samples 0+1');
  expect(partsOfOrigin(origin)).toEqual([0, 1]);
  expect(partsOfOrigin('3 parts: samples 0+1')).toBeUndefined();
  expect(partsOfOrigin('notes/2 parts.txt')).toBeUndefined();
  const [appended] = await store.appendSamples([{ bytes: new Uint8Array(2 * CHUNK).fill(9), origin }]);
  const score = scoreFromParts(store, appended!.id, B);
  expect(score).toEqual({ sampleId: 2, loss: 4, embedding: Float32Array.of(0.5, 0.5), precision: 'bf16' });
  expect(scoreFromParts(store, 0, B)).toBeUndefined();
});

describe('where a search begins, and what it found', () => {
  const rows: Row[] = [
    { a: [1, 1, 1, 0], b: [2, 0, 0, 1] },
    { a: [1, 1, -0.5, 0], b: [2, 0, 0, 1] },
    { a: [3, 1, 0, 0], b: [1, 1, 0, 0] },
  ];

  test('the closest composition is reported though it does not hit, and one part is one', async () => {
    const composer = composerOf(await storeOf(rows));
    const far = target([1, 3, 0], 0.05, [A, B]);
    expect(await composer.compose([far])).toEqual([undefined]);
    const [closest] = await composer.closest([far]);
    expect(closest!.distance).toBeCloseTo(0.1056, 3);
    const [single] = await composer.closest([target([1, 1, 0], 0.01, [A, B])], { maxParts: 1 });
    expect(single).toMatchObject({ parts: [0], winner: 0 });
  });

  test('parts found elsewhere are named by their rows, where the winner wins by more than the bounds', async () => {
    const composer = composerOf(await storeOf(rows));
    const wanted = target([1, 0, 0], 0.05, [A, B]);
    const found = await composer.evaluate(wanted, [0, 1, 1], 0);
    expect(found).toMatchObject({ parts: [0, 1, 1], winner: 0, isF32: true });
    expect(found!.distance).toBeCloseTo(0, 5);
    // Together, the third makes the other model the winner; and a lead of 1/3 is none within bounds of 0.2 on either side.
    expect(await composer.evaluate(wanted, [0, 2, 2], 0)).toBeUndefined();
    expect(await composer.evaluate(wanted, [0, 0, 0, 2], 0, { f32: 1e-5 })).toMatchObject({ winner: 0 });
    expect(await composer.evaluate(wanted, [0, 0, 0, 2], 0, { f32: 0.2 })).toBeUndefined();
    expect(await composer.evaluate(wanted, [0, 7], 0)).toBeUndefined();
  });
});
