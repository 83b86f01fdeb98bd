import { describe, expect, test } from 'vitest';
import { run as composeBench } from '../../bench/compose.js';
import { checkCompositions } from '../../bench/reach-check.js';
import { reachChunks } from '../../bench/reach-corpus.js';
import { reachModels, scoreChunks } from '../../bench/reach-models.js';
import { reachPlot } from '../../bench/reach-plot.js';
import { randomTargets, reachOf, shareAt } from '../../bench/reach-share.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { randomizer, randomVector, temporaryDir } from '../store/fixtures.js';

const DIM = 16;
const SHAPE = { ...MODEL_CONFIGS.small, numLayers: 1 };

test('counts what rows come to, alone and composed', async () => {
  const embeddings = new Float32Array(4 * DIM);
  const random = randomizer(4);
  const targets = randomTargets(5, DIM);
  // Row 0 is the first target; rows 1 and 2 together are the second.
  const part = randomVector(random, DIM);
  embeddings.set(targets[0]!, 0);
  embeddings.set(part, DIM);
  embeddings.set(
    targets[1]!.map((value, i) => value - part[i]!),
    2 * DIM,
  );
  embeddings.set(randomVector(random, DIM), 3 * DIM);
  const scores = { losses: new Float64Array(4).fill(5), embeddings };
  const near = 3.999;
  expect(shareAt(await reachOf([scores], [0, 1, 2, 3], targets, 1), near)).toBeCloseTo(0.2);
  expect(shareAt(await reachOf([scores], [0, 1, 2, 3], targets, 2), near)).toBeCloseTo(0.4);
  // Nothing wins clearly where two models lose alike.
  expect(shareAt(await reachOf([scores, { ...scores }], [0, 1, 2, 3], targets, 2), near)).toBe(0);
});

describe('scores', () => {
  test('that are kept are not made again, and only those of the parts pass the check', async () => {
    const directory = temporaryDir();
    const { chunks, pick } = await reachChunks(4, undefined);
    expect(pick('both', 4).map((i) => i < 4)).toEqual([true, false, true, false]);
    let opened = 0;
    const open = async () => {
      opened++;
      return safetensorsFromBytes(generateWeightsBytes(SHAPE, 3n));
    };
    const model = { name: 'one', open };
    const first = await scoreChunks(model, SHAPE, chunks.slice(0, 5), { directory });
    const again = await scoreChunks(model, SHAPE, chunks.slice(0, 5), { directory });
    expect(opened).toBe(1);
    expect(again).toEqual(first);
    const [target] = randomTargets(1, DIM);
    await checkCompositions(model, SHAPE, chunks.slice(0, 5), first, target!, 2, undefined);
    const wrong = { ...first, losses: first.losses.map((loss) => loss + 2e-4) };
    await expect(
      checkCompositions(model, SHAPE, chunks.slice(0, 5), wrong, target!, 1, undefined),
    ).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    });
  }, 60_000);
});

test('trained models that are absent are named, whatever runs without them', () => {
  const skipped = (directory?: string) =>
    reachModels(directory).map(({ config, skipped: why }) => [config, why?.slice(0, 16)]);
  const why = 'medium-trained-1';
  const expected = [
    ['medium', undefined],
    ['medium-trained', why],
    ['three-medium-trained', why],
    ['v1-two-layers', undefined],
  ];
  expect(skipped()).toEqual(expected);
  expect(skipped(temporaryDir())).toEqual(expected);
});

test('the plot has a panel for each kind of model and a line for each corpus', () => {
  const rows = ['medium', 'medium-trained'].flatMap((config) =>
    ['corpus', 'synthetic', 'both'].flatMap((corpus) =>
      [30, 300].map((count) => ({ config, corpus, rows: count, z: 2.27, single: 0.25, composed16: 0.5 })),
    ),
  );
  const svg = reachPlot([...rows, { case: 'three-medium-trained', value: null }]);
  expect(svg.match(/<polyline points="[\d., ]+"/g)).toHaveLength(10);
  expect(svg).toContain('>one trained model<');
  expect(svg).not.toMatch(/NaN|undefined/);
});

test('the bench of composing checks its cosines and times one target and a hundred', async () => {
  const results = [];
  for await (const result of composeBench({ quick: true })) results.push(result);
  expect(results.map(({ case: name }) => name.split(',')[0])).toEqual([
    'fill a pool of 512 rows',
    ...['1 target', '100 targets', '1 target', '100 targets'],
  ]);
  for (const { value, error } of results.slice(1)) {
    expect(value).toBeGreaterThan(0);
    expect(error).toBeLessThan(1e-5);
  }
}, 60_000);
