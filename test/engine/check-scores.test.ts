import { expect, test } from 'vitest';
import { assertSameScore, needsCheck, trustedScore } from '../../src/engine/calibration/check-scores.js';
import { createScoringEngine, MODEL_CONFIGS } from '../../src/engine/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';

const config = { ...MODEL_CONFIGS.small, sequenceLength: 16 };
const weights = safetensorsFromBytes(generateWeightsBytes(config, 1n));
const sample = new Uint8Array(20).fill(7);
const EXACT = { loss: 0, distance: 0 };

test("a device's score passes within its error bound of the CPU's, and fails beyond", async () => {
  const want = await trustedScore(weights, config, sample);
  const model = await (await createScoringEngine({ engine: 'onnx', provider: 'cpu' })).load(weights, config);
  const [score] = await model.score([sample]);
  await model.close();
  const check = (change: Partial<typeof score>, bound = EXACT) =>
    assertSameScore({ ...score!, ...change }, want, bound, 'gpu');
  expect(() => check({})).not.toThrow();
  const wrong = { loss: score!.loss * 1.01 };
  expect(() => check(wrong)).toThrow(expect.objectContaining({ code: 'ENGINE_FAILED' }));
  expect(() => check(wrong, { loss: 0.1, distance: 0 })).not.toThrow();
  expect(() => check({ loss: Number.NaN })).toThrow('scores on gpu are wrong');
  expect(() => check({ embedding: score!.embedding.map((value) => -value) })).toThrow('the embedding by 2.0');
  expect(() => check({ embedding: score!.embedding.map(() => 0) })).toThrow('scores on gpu are wrong');
});

test('only GPU providers are checked', () => {
  expect(needsCheck({ engine: 'onnx', provider: 'webgpu' })).toBe(true);
  expect(needsCheck({ engine: 'onnx', provider: 'cpu' })).toBe(false);
  expect(needsCheck({ engine: 'onnx' })).toBe(false);
  expect(needsCheck({ engine: 'native' })).toBe(false);
});
