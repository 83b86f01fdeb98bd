import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJsEngine } from '../../src/engine/js/index.js';
import { selectBest } from '../../src/engine/reference/index.js';
import { generateWeights, generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { assertFitsV1 } from '../../src/weights/v1-layout.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quarry-generate-'));
});
afterAll(() => rm(folder, { recursive: true }));

const { small, medium } = MODEL_CONFIGS;

test('the same shape and seed give the same bytes, in memory and on disk, now and later', async () => {
  const path = join(folder, 'small.safetensors');
  const size = await generateWeights(small, 7n, path);
  const bytes = await readFile(path);
  expect(bytes.byteLength).toBe(size);
  expect(Buffer.compare(bytes, generateWeightsBytes(small, 7n))).toBe(0);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(
    'f07ffb15ef2dd016ef7c8cb9199cecff2b71e404c784cb4f41063ac2c6946f5d',
  );
  expect(Buffer.compare(bytes, generateWeightsBytes(small, 8n))).not.toBe(0);
});

test('a larger model is written in pieces, fits its configuration and has sane values', async () => {
  const path = join(folder, 'medium.safetensors');
  const progress: number[] = [];
  const size = await generateWeights(medium, 1n, path, { onProgress: (written) => progress.push(written) });
  expect(progress.at(-1)).toBe(size);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  const file = await openSafetensors(path);
  expect(assertFitsV1(file, medium)).toEqual([]);
  const weight = await file.read('encoder.layers.3.pwff.linear_inner.weight');
  const mean = weight.reduce((sum, x) => sum + x, 0) / weight.length;
  const deviation = Math.sqrt(weight.reduce((sum, x) => sum + x * x, 0) / weight.length);
  expect(Math.abs(mean)).toBeLessThan(1e-3);
  expect(deviation).toBeCloseTo(1 / 16, 3);
  const gamma = await file.read('final_norm.gamma');
  expect(gamma.reduce((sum, x) => sum + x, 0) / gamma.length).toBeCloseTo(1, 1);
  await file.close();
});

test('models of different seeds win on different data, with losses like an untrained model’s', async () => {
  const engine = createJsEngine();
  const models = await Promise.all(
    [1n, 2n, 3n].map((seed) => engine.load(safetensorsFromBytes(generateWeightsBytes(small, seed)), small)),
  );
  const text = await readFile(new URL('../../package-lock.json', import.meta.url));
  const winners = new Set<number>();
  for (let i = 0; i < 4; i++) {
    const sample = i % 2 === 0 ? text.subarray(i * 1024, (i + 1) * 1024) : new Uint8Array(1024).fill(i * 60);
    const losses = await Promise.all(models.map(async (model) => (await model.score([sample]))[0]!.loss));
    for (const loss of losses) expect(loss).toSatisfy((x: number) => x > 4 && x < 9);
    winners.add(selectBest(losses)!);
  }
  expect(winners.size).toBeGreaterThan(1);
});

test('an existing file is left alone; an interrupted one is removed', async () => {
  const path = join(folder, 'twice.safetensors');
  await generateWeights(small, 1n, path);
  await expect(generateWeights(small, 2n, path)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect((await stat(path)).size).toBeGreaterThan(0);
  const stopped = join(folder, 'stopped.safetensors');
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort() };
  await expect(generateWeights(medium, 1n, stopped, options)).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(stat(stopped)).rejects.toMatchObject({ code: 'ENOENT' });
});
