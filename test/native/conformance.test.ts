import { beforeAll, describe, expect, test } from 'vitest';
import type { Score, ScoringEngine } from '../../src/engine/contract.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/engine/model-config.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { createReferenceEngine } from '../../src/engine/reference/index.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { LEVELS } from './levels.js';
import { initialWeights, mixedBytes, SHORT_MEDIUM, weightsBytes, wordBytes } from './models.js';

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

describe.each(LEVELS)('level %s against the reference', (isa) => {
  const f32 = createNativeScoringEngine({ isa, threads: 2, precision: 'f32' });

  describe('a model of 256 columns', () => {
    const bytes = weightsBytes(SHORT_MEDIUM);
    // Chunk edges, and a second batch of one byte.
    const samples = [1, 127, 128, 129, 16 * 128 + 1].map((length) => mixedBytes(length));
    let want: Score[];
    beforeAll(async () => {
      want = await referenceScores('medium', () => scores(createReferenceEngine(), bytes, SHORT_MEDIUM, samples, 7n));
    });
    test('f32 within 1e-5', async () => expectClose(await scores(f32, bytes, SHORT_MEDIUM, samples, 7n), want));
    test('bf16 within its stated bound', async () => {
      const engine = createNativeScoringEngine({ isa, threads: 1, precision: 'bf16' });
      const model = await engine.load(safetensorsFromBytes(bytes), SHORT_MEDIUM);
      const got = await model.score(samples, { seed: 7n });
      await model.close();
      for (const [i, score] of got.entries()) {
        expect(score.precision).toBe('bf16');
        expect(Math.abs(score.loss - want[i]!.loss)).toBeLessThanOrEqual(model.errorBound.loss);
        expect(errorOf(score, want[i]!).embedding).toBeLessThanOrEqual(model.errorBound.distance);
      }
      expect(model.errorBound.loss).toBeLessThan(0.05);
      expect(model.errorBound.distance).toBeLessThan(0.1);
    });
  });

  test('the network’s small model at its own chunk length: 1, 1023, 1024 and 1025 bytes', async () => {
    const { small } = MODEL_CONFIGS;
    const bytes = weightsBytes(small);
    const samples = [1, 1023, 1024, 1025].map((length) => wordBytes(length));
    const want = await referenceScores('small', () => scores(createReferenceEngine(), bytes, small, samples));
    expectClose(await scores(f32, bytes, small, samples), want);
  });

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
  ])('%s in the weights gives no finite loss, in f32 as asked for by itself', async (_name, poison) => {
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

test('the number of threads and the company of other samples change nothing, bit for bit', async () => {
  const config: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 64 };
  const samples = [1, 64, 300, 16 * 64 + 1].map((length) => mixedBytes(length, length));
  const alone: Score[] = [];
  for (const sample of samples) {
    const engine = createNativeScoringEngine({ threads: 1 });
    alone.push(...(await scores(engine, weightsBytes(config), config, [sample])));
  }
  expect(await scores(createNativeScoringEngine({ threads: 3 }), weightsBytes(config), config, samples)).toEqual(alone);
});

test('a megabyte of data, the most a submission holds', async () => {
  const config: ModelConfig = { ...MODEL_CONFIGS.small, embeddingDim: 4, numHeads: 1, numLayers: 1, hiddenDim: 8 };
  const [score] = await scores(createNativeScoringEngine(), weightsBytes(config), config, [wordBytes(1024 * 1024, 3)]);
  expect(score!.loss).toSatisfy(Number.isFinite);
  expect(score!.embedding.every(Number.isFinite)).toBe(true);
});
