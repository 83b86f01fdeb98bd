import { describe, expect, test } from 'vitest';
import { cosineGradient, createJsEngine } from '../../src/engine/js/index.js';
import { cosineDistance, normalArray } from '../../src/engine/reference/index.js';
import type { ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { initialWeights, mixedBytes } from '../native/models.js';

const engine = createJsEngine();
const TINY: ModelConfig = {
  embeddingDim: 16,
  numHeads: 2,
  numLayers: 2,
  hiddenDim: 24,
  vocabSize: 264,
  sequenceLength: 8,
  batchSize: 2,
};
/** A byte of no sample here, whose row of the table is moved to see what a byte does. */
const PROBE = 255;

type Tensors = ReturnType<typeof initialWeights>;

async function load(tensors: Tensors, config = TINY) {
  return engine.load(safetensorsFromBytes(encodeSafetensors(tensors)), config);
}

/** The product of a direction and the embedding as the probe's row goes from one byte's towards another's. */
function along(tensors: Tensors, sample: Uint8Array, direction: Float32Array, from: number, to: number) {
  const width = TINY.embeddingDim;
  return async (share: number): Promise<number> => {
    const moved = tensors.map((tensor) => {
      if (tensor.name !== 'embedding.weight') return tensor;
      const data = tensor.data.slice();
      for (let i = 0; i < width; i++) {
        data[PROBE * width + i] = (1 - share) * data[from * width + i]! + share * data[to * width + i]!;
      }
      return { ...tensor, data };
    });
    const { embedding } = await (await load(moved)).evaluate(sample);
    return embedding.reduce((sum, value, i) => sum + value * direction[i]!, 0);
  };
}

/** The derivative at 0, exact up to the fourth order. */
async function derivative(f: (x: number) => Promise<number>, step = 0.01): Promise<number> {
  const [a, b, c, d] = await Promise.all([f(-2 * step), f(-step), f(step), f(2 * step)]);
  return (a! - 8 * b! + 8 * c! - d!) / (12 * step);
}

describe('the gradient with respect to bytes is what finite differences say', () => {
  const direction = normalArray(5n, TINY.embeddingDim);
  // One chunk; a short one with EOS and PAD; two batches of which the second is short.
  test.each([8, 5, 29])('a sample of %i bytes', async (length) => {
    const tensors = initialWeights(TINY, 3);
    const sample = mixedBytes(length, 2);
    const gradient = await (await load(tensors)).byteGradient(sample, direction);
    expect(gradient).toHaveLength(length * 256);
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const at of [0, length >> 1, length - 1]) {
      for (const to of [0, 97]) {
        const from = sample[at]!;
        const probed = sample.slice();
        probed[at] = PROBE;
        const expected = await derivative(along(tensors, probed, direction, from, to));
        const got = gradient[at * 256 + to]! - gradient[at * 256 + from]!;
        expect(Math.abs(got - expected), `byte ${at} to ${to}`).toBeLessThan(2e-4 * largest);
      }
    }
  });

  test('where masked positions leak into attention', async () => {
    // Queries and keys so large that the scores of early rows lie below the mask's.
    const tensors = initialWeights(TINY, 4).map((tensor) => {
      const sign = tensor.name.includes('layers.0.attention.query') ? -1 : 1;
      const large = /layers\.0\.attention\.(query|key)\.bias/.test(tensor.name);
      return large ? { ...tensor, data: tensor.data.map(() => sign * 110) } : tensor;
    });
    const sample = mixedBytes(8, 1);
    const gradient = await (await load(tensors)).byteGradient(sample, direction);
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const probed = sample.slice();
    probed[6] = PROBE;
    const expected = await derivative(along(tensors, probed, direction, sample[6]!, 9), 0.004);
    expect(Math.abs(gradient[6 * 256 + 9]! - gradient[6 * 256 + sample[6]!]! - expected)).toBeLessThan(2e-3 * largest);
  });
});

test('a direction of another width and an empty sample are refused', async () => {
  const model = await load(initialWeights(TINY, 3));
  await expect(model.byteGradient(mixedBytes(4), new Float32Array(15))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(model.byteGradient(new Uint8Array(0), new Float32Array(16))).rejects.toMatchObject({
    code: 'DATA_EMPTY',
  });
});

test('a step along the gradient of the cosine brings an embedding closer, as fast as it says', () => {
  const embedding = normalArray(1n, 64);
  const target = normalArray(2n, 64);
  const gradient = cosineGradient(embedding, target);
  const square = gradient.reduce((sum, value) => sum + value * value, 0);
  const at = (step: number): number =>
    cosineDistance(
      embedding.map((value, i) => value + (step * gradient[i]!) / square),
      target,
    );
  expect((at(-0.01) - at(0.01)) / 0.02).toBeCloseTo(1, 2);
});
