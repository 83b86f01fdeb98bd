import { describe, expect, test } from 'vitest';
import type { Score } from '../../src/engine/contract.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { cosineDistance, selectBest } from '../../src/engine/reference/index.js';
import { composedScore, joinParts } from '../../src/store/index.js';
import { runnerWeightsFile } from '../engine/small-model.js';
import { randomizer, randomVector } from './fixtures.js';

/** A batch as on the network, chunks a sixteenth as long. */
const CONFIG = {
  embeddingDim: 64,
  numHeads: 4,
  numLayers: 2,
  hiddenDim: 128,
  vocabSize: 264,
  sequenceLength: 64,
  batchSize: 16,
};
/** A thousand by the environment. */
const COMPOSITIONS = Number(process.env['QUARRY_COMPOSED'] ?? 100);
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

/** Scores of every chunk and of every composition's joined bytes, under three models. */
async function scoreAll(precision: 'f32' | 'bf16') {
  const engine = createNativeScoringEngine({ precision });
  const joined = compositions.map(
    (parts) =>
      joinParts(
        parts.map((part) => chunks[part]!),
        CONFIG,
      ).bytes,
  );
  const models: { single: Score[]; whole: Score[]; bound: { loss: number; distance: number } }[] = [];
  for (const seed of [3, 4, 5]) {
    const model = await engine.load(runnerWeightsFile(CONFIG, seed), CONFIG);
    models.push({ single: await model.score(chunks), whole: await model.score(joined), bound: model.errorBound });
    await model.close();
  }
  return models;
}

/** What adding in another order may change, in f32. */
const F32 = { loss: 1e-4, distance: 1e-5 };

describe.each(['f32', 'bf16'] as const)('compositions in %s', (precision) => {
  test('score as their joined bytes do, and the winner never differs', async () => {
    const models = await scoreAll(precision);
    let decided = 0;
    for (const [n, parts] of compositions.entries()) {
      const composed = models.map(({ single }) => composedScore(parts.map((part) => single[part]!)));
      for (const [m, { whole, bound }] of models.entries()) {
        const loss = Math.abs(composed[m]!.loss - whole[n]!.loss);
        const distance = cosineDistance(composed[m]!.embedding, aim) - cosineDistance(whole[n]!.embedding, aim);
        expect(loss).toBeLessThanOrEqual(F32.loss + bound.loss);
        expect(Math.abs(distance)).toBeLessThanOrEqual(F32.distance + bound.distance);
      }
      const losses = composed.map(({ loss }) => loss);
      const [best, next] = [...losses].sort((a, b) => a - b);
      const apart = 2 * (F32.loss + Math.max(...models.map(({ bound }) => bound.loss)));
      if (next! - best! <= apart) continue;
      decided++;
      expect(selectBest(losses)).toBe(selectBest(models.map(({ whole }) => whole[n]!.loss)));
    }
    expect(decided).toBeGreaterThan(COMPOSITIONS / 2);
  }, 240_000);
});
