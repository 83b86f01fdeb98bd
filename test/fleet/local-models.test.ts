import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalModel } from '../../src/fleet/local-models.js';
import { generateWeights } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { f32Engine } from './f32-engine.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-local-models-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it('loads a model at the next call where the first one failed', async () => {
  const path = join(dir, 'model.safetensors');
  await generateWeights(MODEL_CONFIGS.small, 1n, path);
  const weights = await openSafetensors(path);
  const model = new LocalModel(f32Engine(), weights, MODEL_CONFIGS.small);
  await weights.close();
  await rm(path);
  const sample = Uint8Array.of(1, 2, 3);
  await expect(model.score([sample], {})).rejects.toThrow();
  await generateWeights(MODEL_CONFIGS.small, 1n, path);
  expect(await model.score([sample], {})).toHaveLength(1);
  await model.close();
});
