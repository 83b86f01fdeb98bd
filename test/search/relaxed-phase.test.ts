import { expect, test } from 'vitest';
import { drawsOf } from '../../src/search/draw.js';
import type { GradientModel } from '../../src/search/gradient-model.js';
import { RelaxedPhase } from '../../src/search/relaxed-phase.js';

const POSITIONS = 4;
const TARGET = new Float32Array(4);

/** Models that note which of them was asked. */
function asked(models: number) {
  const calls: { model: number; lossWeight: number }[] = [];
  const all = Array.from(
    { length: models },
    (_, model): GradientModel => ({
      byteGradient: () => Promise.reject(new Error('a relaxed chunk has no edits')),
      mixtureGradient: async (mixture, { lossWeight }) => {
        calls.push({ model, lossWeight });
        return { gradient: mixture.slice(), cosine: 0, crossEntropy: 0 };
      },
    }),
  );
  return { calls, all };
}

test('each model is tried, then the closest is taken further', async () => {
  const { calls, all } = asked(3);
  const phase = new RelaxedPhase(3, POSITIONS, drawsOf(1n));
  const aimed: number[] = [];
  while (!phase.isOver) {
    aimed.push(phase.aimed);
    expect(await phase.climb(all, TARGET)).toHaveLength(POSITIONS);
    phase.judge([0.1, 0.3, 0.2][phase.aimed]!, 1);
  }
  const order = aimed.filter((model, i) => model !== aimed[i - 1]);
  expect(order).toEqual([0, 1, 2, 1]);
  const counts = [0, 1, 2].map((model) => calls.filter((call) => call.model === model).length);
  expect(counts[0]).toBe(counts[2]);
  expect(counts[1]).toBeGreaterThan(2 * counts[0]!);
});

test('the loss weighs more for a model that does not win its chunk', async () => {
  const { calls, all } = asked(2);
  const phase = new RelaxedPhase(2, POSITIONS, drawsOf(1n));
  for (let step = 0; step < 2; step++) {
    await phase.climb(all, TARGET);
    phase.judge(0.1, -1);
  }
  expect(calls.at(-1)!.lossWeight).toBeGreaterThan(calls[0]!.lossWeight);
});

test('a single model is relaxed once, and its loss does not count', async () => {
  const { calls, all } = asked(1);
  const phase = new RelaxedPhase(1, POSITIONS, drawsOf(1n));
  while (!phase.isOver) {
    await phase.climb(all, TARGET);
    phase.judge(0.5, Number.POSITIVE_INFINITY);
  }
  expect(new Set(calls.map(({ lossWeight }) => lossWeight))).toEqual(new Set([0]));
});
