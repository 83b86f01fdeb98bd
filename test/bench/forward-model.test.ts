import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { usefulFlops } from '../../bench/forward.js';
import { assertRoom, checkSlice, flushFolder, modelFile, weightBytes } from '../../bench/forward-model.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quarry-bench-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the full model is as large as it is said to be', () => {
  expect(weightBytes(MODEL_CONFIGS.v1)).toBe(4_838_736_928);
  // Two FLOPs for each weight of the matrices and each token, and attention over half the square.
  expect(usefulFlops(MODEL_CONFIGS.v1) / (2 * 1024 * (weightBytes(MODEL_CONFIGS.v1) / 4))).toBeCloseTo(1.0416, 2);
});

test('a model too large for the disk is refused before anything is written', async () => {
  const wide = { ...MODEL_CONFIGS.v1, embeddingDim: 2_048_000, hiddenDim: 8_192_000 };
  await expect(assertRoom(wide, join(folder, 'empty'), false)).rejects.toMatchObject({ code: 'DISK_FULL' });
  await assertRoom(MODEL_CONFIGS.small, join(folder, 'empty'), true);
});

test('a generated model is found again, and its slice agrees with the reference', async () => {
  const config = { ...MODEL_CONFIGS.small, numLayers: 3 };
  const file = await modelFile(config, folder, undefined);
  expect(await modelFile(config, folder, undefined)).toBe(file);
  await flushFolder(folder);
  const error = await checkSlice(file, { ...config, numLayers: 2, sequenceLength: 8 }, {}, undefined);
  expect(error).toBeGreaterThan(0);
  expect(error).toBeLessThan(1e-5);
});
