import { describe, expect, test } from 'vitest';
import { createJsEngine } from '../../src/engine/js/index.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { normalArray } from '../../src/engine/reference/index.js';
import type { ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { LEVELS } from './levels.js';
import { mixtureOf } from './mixtures.js';
import { mixedBytes, weightsBytes } from './models.js';

/** Nothing divides anything: ragged tiles and panels, a last batch of one short chunk. */
const ODD: ModelConfig = {
  embeddingDim: 36,
  numHeads: 3,
  numLayers: 2,
  hiddenDim: 71,
  vocabSize: 264,
  sequenceLength: 75,
  batchSize: 2,
};
/** More positions than one run of attention takes, chunks wider than a panel. */
const LONG: ModelConfig = { ...ODD, embeddingDim: 80, numHeads: 2, numLayers: 1, sequenceLength: 150 };
const SAMPLES = [75, 190].map((length) => mixedBytes(length, length));

describe.each([
  ['odd', ODD],
  ['long', LONG],
] as const)('gradients of the native core, %s', (_, config) => {
  const weights = safetensorsFromBytes(weightsBytes(config, 2));
  const direction = normalArray(8n, config.embeddingDim);
  const loaded = createJsEngine().load(weights, config);
  const reference = loaded.then((model) => Promise.all(SAMPLES.map((sample) => model.byteGradient(sample, direction))));
  const mixture = mixtureOf(config.sequenceLength, 4n);
  const goal = { target: normalArray(9n, config.embeddingDim), lossWeight: 0.3 };
  const mixed = loaded.then((model) => model.mixtureGradient(mixture, goal));

  test.each(
    LEVELS.flatMap((isa) => [
      { isa, precision: 'f32' as const, threads: 1, within: 1e-5 },
      { isa, precision: 'bf16' as const, threads: 2, within: 0.05 },
    ]),
  )('$isa $precision', async ({ isa, precision, threads, within }) => {
    const model = await createNativeScoringEngine({ isa, precision, threads }).load(weights, config);
    for (const [i, want] of (await reference).entries()) {
      expectClose(await model.byteGradient(SAMPLES[i]!, direction), want, within);
    }
    const want = await mixed;
    // Twice, as the second pass meets the buffers of the first.
    for (let pass = 0; pass < 2; pass++) {
      const got = await model.mixtureGradient(mixture, goal);
      expectClose(got.gradient, want.gradient, within);
      expect(Math.abs(got.cosine - want.cosine)).toBeLessThan(within);
      expect(Math.abs(got.crossEntropy / want.crossEntropy - 1)).toBeLessThan(within);
    }
    await model.close();
  });
});

function expectClose(got: Float32Array, want: Float32Array, within: number): void {
  expect(got).toHaveLength(want.length);
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = want.reduce((most, value, at) => Math.max(most, Math.abs(value - got[at]!)), 0);
  expect(worst).toBeLessThan(within * largest);
}

test('a gradient stops on its signal, and refuses what has none', async () => {
  const model = await createNativeScoringEngine().load(safetensorsFromBytes(weightsBytes(ODD)), ODD);
  const direction = normalArray(8n, ODD.embeddingDim);
  const stopped = AbortSignal.abort();
  await expect(model.byteGradient(SAMPLES[0]!, direction, { signal: stopped })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  await expect(model.byteGradient(new Uint8Array(0), direction)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
  await expect(model.byteGradient(SAMPLES[0]!, direction.subarray(1))).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  const mixture = mixtureOf(ODD.sequenceLength, 4n);
  const goal = { target: direction, lossWeight: 0 };
  await expect(model.mixtureGradient(mixture, goal, { signal: stopped })).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(model.mixtureGradient(mixture.subarray(1), goal)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await model.close();
  await expect(model.mixtureGradient(mixture, goal)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(model.byteGradient(SAMPLES[0]!, direction)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
