import { expect, test } from 'vitest';
import { letterSamples } from '../../bench/letter-samples.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import { type EmbeddingSpectrum, generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';

const CONFIG = { ...MODEL_CONFIGS.small, sequenceLength: 64 };
const SAMPLES = 200;

/** How long the mean embedding is beside what varies around it, and in how many dimensions that varies. */
async function spread(spectrum: EmbeddingSpectrum, seed: bigint): Promise<{ common: number; dimensions: number }> {
  const engine = createJsEngine();
  const model = await engine.load(safetensorsFromBytes(generateWeightsBytes(CONFIG, seed, spectrum)), CONFIG);
  const data = letterSamples(SAMPLES, CONFIG.sequenceLength, 5);
  const samples = Array.from({ length: SAMPLES }, (_, n) => data.subarray(n * 64, (n + 1) * 64));
  const rows = (await model.score(samples)).map(({ embedding }) => embedding);
  await engine.close();
  const dim = CONFIG.embeddingDim;
  const mean = Array.from({ length: dim }, (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / SAMPLES);
  const covariance = mean.map((a, i) =>
    mean.map((b, j) => rows.reduce((sum, row) => sum + (row[i]! - a) * (row[j]! - b), 0) / SAMPLES),
  );
  const trace = covariance.reduce((sum, row, i) => sum + row[i]!, 0);
  const squares = covariance.flat().reduce((sum, value) => sum + value * value, 0);
  return { common: Math.hypot(...mean) / Math.sqrt(trace), dimensions: trace ** 2 / squares };
}

test.each([1n, 3n])(
  'models of a trained spectrum have a common direction and about five dimensions, seed %s',
  async (seed) => {
    const { common, dimensions } = await spread('trained', seed);
    expect(common).toBeGreaterThan(2);
    expect(common).toBeLessThan(4);
    expect(dimensions).toBeGreaterThan(3.5);
    expect(dimensions).toBeLessThan(6.5);
  },
);

test('random weights have neither', async () => {
  const { common, dimensions } = await spread('isotropic', 1n);
  expect(common).toBeLessThan(1);
  expect(dimensions).toBeGreaterThan(7);
});
