import { describe, expect, test } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/index.js';
import { configOf, RUNNER_GOLDENS, type RunnerCase, runnerWeightsFile } from './small-model.js';
import { dataOf, excess, flat, vectors } from './vectors.js';

const engine = createReferenceEngine();

async function run(golden: Pick<RunnerCase, 'config' | 'runner' | 'data' | 'weights_seed' | 'seed'>) {
  const config = configOf(golden);
  const model = await engine.load(runnerWeightsFile(config, golden.weights_seed), config);
  return model.evaluate(dataOf(golden.data), { seed: BigInt(golden.seed) });
}

describe('end to end', () => {
  const { absolute, relative } = RUNNER_GOLDENS.recommended_tolerance;
  test.each(RUNNER_GOLDENS.cases)('$name', async (golden) => {
    const got = await run(golden);
    expect(excess([got.loss], [golden.loss], absolute, relative)).toBeLessThanOrEqual(0);
    expect(excess(got.embedding, golden.embedding, absolute, relative)).toBeLessThanOrEqual(0);
    expect(got.batches).toHaveLength(golden.batches.length);
    for (const [k, batch] of golden.batches.entries()) {
      const { crossEntropy, sigReg } = got.batches[k]!;
      const expected = [batch.cross_entropy, batch.sig_reg];
      expect(excess([crossEntropy, sigReg], expected, absolute, relative)).toBeLessThanOrEqual(0);
    }
  });
});

describe('upstream’s relations between runs', () => {
  type Run = Pick<RunnerCase, 'data' | 'weights_seed' | 'seed'>;
  interface Relation extends Run {
    test: string;
    other?: Run;
    assert: Record<string, unknown>;
  }
  const file = vectors<Pick<RunnerCase, 'config' | 'runner'> & { cases: Relation[] }>('soma-model-runner');
  test.each(file.cases)('$test', async ({ assert, other, ...first }) => {
    const go = (which: Run) => run({ config: file.config, runner: file.runner, ...which });
    if (assert['error'] === true) {
      await expect(go(first)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
      return;
    }
    const one = await go(first);
    const two = await go(other ?? first);
    const lossDifference = Math.abs(one.loss - two.loss);
    const embeddingDifference = one.embedding.reduce((sum, x, i) => sum + Math.abs(x - two.embedding[i]!), 0);
    const known: Record<string, (value: unknown) => void> = {
      embedding_shape: (shape) => expect([one.embedding.length]).toEqual(flat(shape)),
      loss_shape: () => expect(one.loss).toBeTypeOf('number'),
      loss_finite: () => expect(one.loss).toSatisfy(Number.isFinite),
      embedding_finite: () => expect(one.embedding.every(Number.isFinite)).toBe(true),
      loss_gt: (least) => expect(one.loss).toBeGreaterThan(least as number),
      loss_lt: (most) => expect(one.loss).toBeLessThan(most as number),
      two_runs_equal_within: () => expect(two).toEqual(one),
      abs_loss_difference_gt: (least) => expect(lossDifference).toBeGreaterThan(least as number),
      l1_embedding_difference_gt: (least) => expect(embeddingDifference).toBeGreaterThan(least as number),
    };
    for (const [name, value] of Object.entries(assert)) known[name]!(value);
  });
});
