import { expect, test } from 'vitest';
import { createJsEngine } from '../../src/engine/js/index.js';
import { cosineDistance, normalArray } from '../../src/engine/reference/index.js';
import type { ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { mixtureOf, oneHot } from '../native/mixtures.js';
import { initialWeights, mixedBytes } from '../native/models.js';

const TINY: ModelConfig = {
  embeddingDim: 16,
  numHeads: 2,
  numLayers: 2,
  hiddenDim: 24,
  vocabSize: 264,
  sequenceLength: 8,
  batchSize: 2,
};

const load = () => createJsEngine().load(safetensorsFromBytes(encodeSafetensors(initialWeights(TINY, 3))), TINY);
const target = normalArray(5n, TINY.embeddingDim);

test('a mixture of single bytes has the values of the chunk', async () => {
  const model = await load();
  const chunk = mixedBytes(TINY.sequenceLength, 2);
  const { cosine, crossEntropy } = await model.mixtureGradient(oneHot(chunk), { target, lossWeight: 0.5 });
  const [score] = await model.score([chunk]);
  expect(cosine).toBeCloseTo(1 - cosineDistance(score!.embedding, target), 5);
  // The loss has the regularisation as well, which is small.
  expect(crossEntropy).toBeLessThan(score!.loss);
  expect(crossEntropy).toBeGreaterThan(0.9 * score!.loss);
});

test.each([0, 0.5])('the gradient is what finite differences say, with the loss weighing %d', async (lossWeight) => {
  const model = await load();
  const mixture = mixtureOf(TINY.sequenceLength, 7n);
  const goal = { target, lossWeight };
  const { gradient } = await model.mixtureGradient(mixture, goal);
  const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const value = async (at: number, step: number): Promise<number> => {
    const moved = mixture.slice();
    moved[at] = moved[at]! + step;
    const { cosine, crossEntropy } = await model.mixtureGradient(moved, goal);
    return cosine - lossWeight * crossEntropy;
  };
  for (const at of [3, 256 + 200, 4 * 256 + 17, 7 * 256 + 255]) {
    const h = 0.002;
    const [a, b, c, d] = await Promise.all([-2 * h, -h, h, 2 * h].map((step) => value(at, step)));
    const expected = (a! - 8 * b! + 8 * c! - d!) / (12 * h);
    expect(Math.abs(gradient[at]! - expected), `element ${at}`).toBeLessThan(1e-3 * largest);
  }
});

test('a mixture of another length and a target of another width are refused', async () => {
  const model = await load();
  const mixture = mixtureOf(TINY.sequenceLength, 1n);
  await expect(model.mixtureGradient(mixture.subarray(256), { target, lossWeight: 0 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(model.mixtureGradient(mixture, { target: target.subarray(1), lossWeight: 0 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});
