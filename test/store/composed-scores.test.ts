import { beforeAll, describe, expect, test } from 'vitest';
import type { ErrorBound, Score } from '../../src/engine/contract.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { cosineDistance, createReferenceEngine, selectBest } from '../../src/engine/reference/index.js';
import { composedScore, joinParts } from '../../src/store/index.js';
import { runnerWeightsFile } from '../engine/small-model.js';
import { randomizer, randomVector } from './fixtures.js';

/** A batch as on the network, chunks a thirty-second as long. */
const CONFIG = {
  embeddingDim: 32,
  numHeads: 4,
  numLayers: 2,
  hiddenDim: 64,
  vocabSize: 264,
  sequenceLength: 32,
  batchSize: 16,
};
/** A thousand by the environment. */
const COMPOSITIONS = Number(process.env['QUARRY_COMPOSED'] ?? 32);
const SEEDS = [3, 4, 5];
const CHUNKS = 96;

const random = randomizer(8);
const chunks = Array.from({ length: CHUNKS }, (_, i) =>
  Uint8Array.from({ length: CONFIG.sequenceLength }, () =>
    i % 3 === 0 ? i : Math.floor((random() + 1) * (4 + 2 * i)) % 256,
  ),
);
const compositions = Array.from({ length: COMPOSITIONS }, (_, n) =>
  Array.from({ length: 2 + (n % 15) }, () => Math.floor(((random() + 1) / 2) * (CHUNKS - 0.01))),
);
const aim = randomVector(random, CONFIG.embeddingDim);

/** What the reference makes of every composition's joined bytes, a list for each model. */
let joined: Score[][] = [];

beforeAll(async () => {
  const samples = compositions.map((parts) => joinParts(partsOf(parts, chunks), CONFIG).bytes);
  joined = [];
  for (const seed of SEEDS) {
    const model = await createReferenceEngine().load(runnerWeightsFile(CONFIG, seed), CONFIG);
    joined.push(await model.score(samples));
  }
}, 900_000);

function partsOf<T>(parts: readonly number[], all: readonly T[]): T[] {
  return parts.map((part) => all[part]!);
}

/** What the core makes of every chunk alone, and how far it may be off, for each model. */
async function scoreChunks(precision: 'f32' | 'bf16'): Promise<{ single: Score[]; bound: ErrorBound }[]> {
  const engine = createNativeScoringEngine({ precision });
  const models: { single: Score[]; bound: ErrorBound }[] = [];
  for (const seed of SEEDS) {
    const model = await engine.load(runnerWeightsFile(CONFIG, seed), CONFIG);
    models.push({ single: await model.score(chunks), bound: model.errorBound });
    await model.close();
  }
  return models;
}

/** What adding in another order may change, in f32. */
const F32 = { loss: 1e-4, distance: 1e-5 };

describe.each(['f32', 'bf16'] as const)('compositions in %s', (precision) => {
  test('score as the reference scores their joined bytes, and the winner never differs', async () => {
    const models = await scoreChunks(precision);
    let decided = 0;
    for (const [n, parts] of compositions.entries()) {
      const composed = models.map(({ single }) => composedScore(partsOf(parts, single)));
      for (const [m, { bound }] of models.entries()) {
        const whole = joined[m]![n]!;
        const loss = Math.abs(composed[m]!.loss - whole.loss);
        const distance = cosineDistance(composed[m]!.embedding, aim) - cosineDistance(whole.embedding, aim);
        expect(loss).toBeLessThanOrEqual(F32.loss + bound.loss);
        expect(Math.abs(distance)).toBeLessThanOrEqual(F32.distance + bound.distance);
      }
      const losses = composed.map(({ loss }) => loss);
      const [best, next] = [...losses].sort((a, b) => a - b);
      const apart = 2 * (F32.loss + Math.max(...models.map(({ bound }) => bound.loss)));
      if (next! - best! <= apart) continue;
      decided++;
      expect(selectBest(losses)).toBe(selectBest(joined.map((scores) => scores[n]!.loss)));
    }
    expect(decided).toBeGreaterThan(COMPOSITIONS / 2);
  }, 240_000);
});
