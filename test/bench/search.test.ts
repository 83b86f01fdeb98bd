import { expect, test } from 'vitest';
import { run as joinedBench } from '../../bench/joined.js';
import { partOf } from '../../bench/search-start.js';
import { cosineInF32, takeSteps } from '../../bench/search-steps.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { normalArray } from '../../src/random/arrgen.js';
import { isWonBy, TargetSearch } from '../../src/search/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';

const SHAPE = { ...MODEL_CONFIGS.small, sequenceLength: 32 };

async function modelsOf(precision: 'f32' | 'bf16') {
  const engine = createNativeScoringEngine({ precision, threads: 1 });
  const weights = [1n, 2n].map((seed) => safetensorsFromBytes(generateWeightsBytes(SHAPE, seed)));
  return Promise.all(weights.map((each) => engine.load(each, SHAPE)));
}

test('rivals score only what comes closer, and what a search ends with is won and as close in f32', async () => {
  const [fast, exact] = [await modelsOf('bf16'), await modelsOf('f32')];
  const bytes = new Uint8Array(32).fill(65);
  const scores = await Promise.all(exact.map(async (model) => (await model.score([bytes]))[0]!));
  const first = partOf(bytes, scores);
  const winner = isWonBy(0, [first]) ? 0 : 1;
  const embedding = normalArray(77n, SHAPE.embeddingDim);
  const search = new TargetSearch({ embedding, winner, maxParts: 4, seed: 3n }, [first]);
  let rivalScored = 0;
  const models = fast.map((model, m) => ({
    ...model,
    byteGradient: model.byteGradient.bind(model),
    score: (...args: Parameters<typeof model.score>) => {
      if (m !== winner) rivalScored += args[0].length;
      return model.score(...args);
    },
  }));
  const goal = { embedding, steps: 4, enough: 2 };
  const cosines = await takeSteps(search, models as unknown as typeof fast, goal);
  expect(cosines).toHaveLength(5);
  expect(cosines.at(-1)! - cosines[0]!).toBeGreaterThan(0.1);
  expect(rivalScored).toBeLessThan(4 * 12);
  expect(rivalScored).toBeGreaterThan(0);
  const end = await cosineInF32(search, exact, goal);
  expect(Math.abs(end - search.cosine)).toBeLessThan(0.02);
  expect(await cosineInF32({ parts: search.parts, winner: 1 - winner }, exact, goal)).toBe(-1);
  // As close as is asked for is enough.
  expect(new Set(await takeSteps(search, fast, { ...goal, enough: -1 })).size).toBe(1);
  await Promise.all([...fast, ...exact].map((model) => model.close()));
}, 60_000);

test('joined bytes score what their parts come to, by the reference; without trained models it is said', async () => {
  const results = [];
  for await (const result of joinedBench({ quick: true, targets: 2 })) results.push(result);
  const [native, reference, trained] = results;
  // In the time there is: one at least.
  for (const [small, compositions] of [
    [native, 2],
    [reference, 1],
  ] as const) {
    expect(small).toMatchObject({ compositions, partial: false, winnersDiffer: 0 });
    expect(small?.['worstLoss']).toBeLessThan(1e-4);
    expect(small?.['worstDistance']).toBeLessThan(1e-5);
  }
  expect(native?.['lowLossOfBound']).toBeLessThan(1);
  expect(native?.['lowDistanceOfBound']).toBeLessThan(1);
  expect(native?.['lowWinnersDiffer']).toBe(0);
  expect(trained).toMatchObject({ value: null, note: expect.stringContaining('no --models-dir was given') });
}, 120_000);
