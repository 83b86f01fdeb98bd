import { describe, expect, test } from 'vitest';
import { createNativeScoringEngine, nativeCapabilities } from '../../src/engine/native/index.js';
import { configOf, RUNNER_GOLDENS, runnerWeightsFile } from '../engine/small-model.js';
import { dataOf, excess } from '../engine/vectors.js';

const capabilities = nativeCapabilities();
const levels = capabilities.available ? capabilities.usable : [];

test('the native core is built and has a serial level', () => {
  expect(capabilities).toMatchObject({ available: true });
  expect(levels).toContain('serial');
});

describe.each(levels)('level %s', (isa) => {
  const { absolute, relative } = RUNNER_GOLDENS.recommended_tolerance;
  const engine = createNativeScoringEngine({ isa, threads: 2, precision: 'f32' });

  test.each(RUNNER_GOLDENS.cases)('$name', async (golden) => {
    const config = configOf(golden);
    const model = await engine.load(runnerWeightsFile(config, golden.weights_seed), config);
    try {
      const [score] = await model.score([dataOf(golden.data)], { seed: BigInt(golden.seed) });
      expect(score!.precision).toBe('f32');
      expect(excess([score!.loss], [golden.loss], absolute, relative)).toBeLessThanOrEqual(0);
      expect(excess(score!.embedding, golden.embedding, absolute, relative)).toBeLessThanOrEqual(0);
    } finally {
      await model.close();
    }
  });
});
