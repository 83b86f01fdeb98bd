import { describe, expect, test } from 'vitest';
import { scoreError } from '../../src/engine/calibration/error-bound.js';
import type { Score, ScoringEngine } from '../../src/engine/contract.js';
import { createNativeScoringEngine, nativeCapabilities } from '../../src/engine/native/index.js';
import { createReferenceEngine, normalArray } from '../../src/engine/reference/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { LEVELS } from './levels.js';
import { initialWeights, mixedBytes, weightsBytes, wordBytes } from './models.js';

async function scores(
  engine: ScoringEngine,
  bytes: Uint8Array,
  config: ModelConfig,
  samples: readonly Uint8Array[],
  seed = 0n,
): Promise<Score[]> {
  const model = await engine.load(safetensorsFromBytes(bytes), config);
  try {
    return await model.score(samples, { seed });
  } finally {
    await model.close();
  }
}

/** Relative error of the loss, and of the embedding as a vector. */
function errorOf(got: Score, want: Score): { loss: number; embedding: number } {
  let difference = 0;
  let size = 0;
  for (const [i, x] of want.embedding.entries()) {
    difference += (got.embedding[i]! - x) ** 2;
    size += x * x;
  }
  return { loss: Math.abs(got.loss / want.loss - 1), embedding: Math.sqrt(difference / size) };
}

function expectClose(got: readonly Score[], want: readonly Score[]): void {
  expect(got).toHaveLength(want.length);
  for (const [i, score] of got.entries()) {
    const error = errorOf(score, want[i]!);
    expect(error.loss).toBeLessThanOrEqual(1e-5);
    expect(error.embedding).toBeLessThanOrEqual(1e-5);
  }
}

test('the native core is built and has a serial level', () => {
  expect(nativeCapabilities()).toMatchObject({ available: true });
  expect(LEVELS).toContain('serial');
});

// What every engine and level makes of goldens, lengths and hostile weights is in test/engine/scoring-conformance.test.ts;
// here is what the native core promises besides.
describe.each(LEVELS)('level %s', (isa) => {
  const f32 = createNativeScoringEngine({ isa, threads: 2, precision: 'f32' });

  test('rows whose allowed scores are all below the mask fill let later positions in', async () => {
    const config: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 24, batchSize: 2 };
    // Constant queries and keys of opposite sign: scores fall to about -4 * 300^2 / 2 and, rotated, rise elsewhere.
    const weights = initialWeights(config).map((tensor) => {
      const bias = /attention\.(query|key)\.bias$/.exec(tensor.name);
      return bias === null ? tensor : { ...tensor, data: tensor.data.fill(bias[1] === 'query' ? 300 : -300) };
    });
    const bytes = encodeSafetensors(weights);
    const samples = [mixedBytes(48), mixedBytes(5)];
    const want = await referenceScores('masked', () => scores(createReferenceEngine(), bytes, config, samples));
    const got = await scores(f32, bytes, config, samples);
    for (const [i, score] of got.entries()) {
      // Scores of 1e5 carry a rounding of 0.01, so weights are only near.
      expect(errorOf(score, want[i]!).loss).toBeLessThan(2e-3);
      expect(errorOf(score, want[i]!).embedding).toBeLessThan(2e-3);
    }
    // bf16 cannot resolve such scores and says so by scoring in f32.
    const bf16 = await scores(createNativeScoringEngine({ isa, precision: 'bf16' }), bytes, config, samples);
    expect(bf16.map((score) => score.precision)).toEqual(['f32', 'f32']);
    expect(bf16.map((score) => score.loss)).toEqual(got.map((score) => score.loss));
  });

  test.each([
    ['NaN', Number.NaN],
    ['infinity', Infinity],
  ])('%s in the weights never has a finite loss, in f32 as asked for by itself', async (_name, poison) => {
    const config: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 16 };
    const weights = initialWeights(config);
    weights.find((tensor) => tensor.name === 'encoder.layers.1.pwff.linear_inner.weight')!.data[5] = poison;
    for (const precision of ['f32', 'bf16'] as const) {
      const engine = createNativeScoringEngine({ isa, precision });
      const [score] = await scores(engine, encodeSafetensors(weights), config, [mixedBytes(40)]);
      expect(Number.isFinite(score!.loss)).toBe(false);
      expect(score!.precision).toBe('f32');
    }
  });

  test('huge activations fall back to f32', async () => {
    const config: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 16 };
    const weights = initialWeights(config);
    for (const tensor of weights) {
      if (tensor.name.endsWith('linear_outer.weight'))
        for (const [i, x] of tensor.data.entries()) tensor.data[i] = x * 1e6;
    }
    const bytes = encodeSafetensors(weights);
    const samples = [mixedBytes(40)];
    const [score] = await scores(createNativeScoringEngine({ isa, precision: 'bf16' }), bytes, config, samples);
    expect(score!.precision).toBe('f32');
    expectClose([score!], await referenceScores('huge', () => scores(createReferenceEngine(), bytes, config, samples)));
  });
});

const kept = new Map<string, Promise<Score[]>>();
/** The reference's scores, computed once for all levels. */
function referenceScores(name: string, compute: () => Promise<Score[]>): Promise<Score[]> {
  const found = kept.get(name) ?? compute();
  kept.set(name, found);
  return found;
}

test('the number of threads and the other samples of a call change nothing, bit for bit', async () => {
  const config: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 64 };
  const samples = [1, 64, 300, 16 * 64 + 1].map((length) => mixedBytes(length, length));
  const alone: Score[] = [];
  for (const sample of samples) {
    const engine = createNativeScoringEngine({ threads: 1 });
    alone.push(...(await scores(engine, weightsBytes(config), config, [sample])));
  }
  expect(await scores(createNativeScoringEngine({ threads: 3 }), weightsBytes(config), config, samples)).toEqual(alone);
});

// A few seconds where nothing else runs.
describe('a thousand samples in bf16 lie within the bound that their model states', { timeout: 120_000 }, () => {
  const shapes = [
    { embeddingDim: 16, numHeads: 4, numLayers: 2, hiddenDim: 32 },
    { embeddingDim: 64, numHeads: 2, numLayers: 4, hiddenDim: 256 },
    { embeddingDim: 256, numHeads: 4, numLayers: 8, hiddenDim: 1024 },
    { embeddingDim: 512, numHeads: 4, numLayers: 2, hiddenDim: 2048 },
  ];
  test.each(shapes)('$embeddingDim wide, $numLayers layers', async (shape) => {
    const config: ModelConfig = { ...MODEL_CONFIGS.small, ...shape, sequenceLength: 64 };
    const engine = createNativeScoringEngine({ precision: 'bf16' });
    const model = await engine.load(safetensorsFromBytes(weightsBytes(config, shape.embeddingDim)), config);
    // In turn: words, noise, one byte repeated, and any of them short; up to two chunks.
    const samples = Array.from({ length: 250 }, (_, i) => {
      const length = i % 4 === 3 ? 1 + (i % 63) : 64 + (i % 65);
      const kind = i % 4 === 3 ? (i >> 2) % 3 : i % 4;
      if (kind === 0) return wordBytes(length, i);
      if (kind === 1) return Uint8Array.from(normalArray(BigInt(i), length), (x) => x * 1e6);
      return new Uint8Array(length).fill(i);
    });
    const low = await model.score(samples);
    const full = await model.score(samples, { precision: 'f32' });
    await model.close();
    const { errorBound } = model;
    let scored = 0;
    for (const [i, score] of low.entries()) {
      if (score.precision === 'f32') continue;
      scored++;
      const error = scoreError(score, full[i]!);
      expect(error.loss).toBeLessThanOrEqual(errorBound.loss);
      expect(error.distance).toBeLessThanOrEqual(errorBound.distance);
    }
    // Nearly all are: the test would say nothing about samples scored again in f32.
    expect(scored).toBeGreaterThan(240);
    expect(errorBound.loss).toBeLessThan(0.1);
    expect(errorBound.distance).toBeLessThan(0.1);
  });
});
