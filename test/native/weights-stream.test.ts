import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { prunePacked } from '../../src/engine/native/prune-packed.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { HttpClient } from '../../src/net/index.js';
import { cryptWeights } from '../../src/soma/chain/weights-cipher.js';
import { type WeightsManifest, weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import type { TensorDtype } from '../../src/weights/weights-file.js';
import { type LoopbackServer, listen } from '../loopback-server.js';
import { initialWeights, SHORT_MEDIUM, weightsBytes } from './models.js';

/** Query, key and value share panels of 32 columns; rows are odd in number. */
const SHARING: ModelConfig = { ...MODEL_CONFIGS.small, embeddingDim: 48, numHeads: 2, hiddenDim: 33 };
const key = Uint8Array.from({ length: 32 }, (_, i) => i * 5 + 1);
const http = new HttpClient({ timeoutMs: 5000 });

let dir: string;
let server: LoopbackServer | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-stream-'));
});
afterEach(async () => {
  await server?.close();
  await rm(dir, { recursive: true });
});

async function serving(plain: Uint8Array, handler?: (encrypted: Uint8Array) => RequestListener) {
  const encrypted = cryptWeights(plain, key);
  const ranged: RequestListener = (request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${start}-${encrypted.length - 1}/${encrypted.length}`;
    response
      .writeHead(start > 0 ? 206 : 200, start > 0 ? { 'content-range': range } : {})
      .end(encrypted.subarray(start));
  };
  server = await listen(handler?.(encrypted) ?? ranged);
  const checksum = Buffer.from(blake2b256(encrypted)).toString('hex');
  return { url: server.url, checksum, sizeBytes: encrypted.byteLength, decryptionKey: key };
}

const filesIn = async (name: string): Promise<string[]> =>
  (await readdir(join(dir, name)).catch(() => [])).filter((file) => !file.endsWith('.bound.json'));

/** What the engine packs of a whole file in one go. */
async function packedAtOnce(
  plain: Uint8Array,
  config: ModelConfig,
  precision: 'f32' | 'bf16',
  manifest: WeightsManifest,
) {
  const cacheDir = join(dir, 'expected');
  const engine = createNativeScoringEngine({ cacheDir, precision, threads: 2 });
  const weights = safetensorsFromBytes(plain, { checksum: weightsIdentity(manifest) });
  await (await engine.load(weights, config)).close();
  const name = (await filesIn('expected')).find((file) => file.includes(`-${precision}-`))!;
  return { name, bytes: await readFile(join(cacheDir, name)) };
}

describe.each<[string, ModelConfig, TensorDtype]>([
  ['medium', SHORT_MEDIUM, 'F32'],
  ['small', MODEL_CONFIGS.small, 'F32'],
  ['sharing panels', SHARING, 'F32'],
  ['sharing panels, F64', SHARING, 'F64'],
  ['small, I8', MODEL_CONFIGS.small, 'I8'],
])('weights packed while they are downloaded: %s', (_name, config, dtype) => {
  const tensors = initialWeights(config).map((tensor) => {
    if (dtype === 'F64') return { ...tensor, dtype, data: Float64Array.from(tensor.data) };
    return dtype === 'I8' ? { ...tensor, dtype, data: Int8Array.from(tensor.data, (x) => x * 50) } : tensor;
  });
  const plain = encodeSafetensors(
    tensors.map((tensor) => ({ ...tensor, data: new Uint8Array(tensor.data.buffer) })) as Parameters<
      typeof encodeSafetensors
    >[0],
  );

  test.each(['f32', 'bf16'] as const)(
    '%s: the same bytes as from the whole file, which lies there as well',
    async (precision) => {
      const manifest = await serving(plain);
      const engine = createNativeScoringEngine({ cacheDir: join(dir, 'packed'), precision });
      const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
      const weights = await cache.open(manifest, { packing: engine.packing!(config)! });
      expect(Buffer.compare(await readFile(cache.pathOf(manifest)), plain)).toBe(0);
      const expected = await packedAtOnce(plain, config, precision, manifest);
      expect(await filesIn('packed')).toEqual([expected.name]);
      expect(Buffer.compare(await readFile(join(dir, 'packed', expected.name)), expected.bytes)).toBe(0);
      // Loading finds it: nothing is packed in its place.
      const { ino } = await stat(join(dir, 'packed', expected.name));
      await (await engine.load(weights, config)).close();
      expect((await stat(join(dir, 'packed', expected.name))).ino).toBe(ino);
      await weights.close();
    },
  );
});

describe('a resumed download', () => {
  const plain = weightsBytes(SHORT_MEDIUM);

  test.each([1, 4095, 4096, 100_000, 1_000_001, plain.byteLength])('from %d bytes of an earlier run', async (left) => {
    const manifest = await serving(plain);
    await mkdir(join(dir, 'weights', 'partial'), { recursive: true });
    await writeFile(join(dir, 'weights', 'partial', `${weightsIdentity(manifest)}.part`), plain.subarray(0, left));
    const engine = createNativeScoringEngine({ cacheDir: join(dir, 'packed'), precision: 'bf16' });
    const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
    const weights = await cache.open(manifest, { packing: engine.packing!(SHORT_MEDIUM)! });
    await weights.close();
    expect(Buffer.compare(await readFile(cache.pathOf(manifest)), plain)).toBe(0);
    const expected = await packedAtOnce(plain, SHORT_MEDIUM, 'bf16', manifest);
    expect(Buffer.compare(await readFile(join(dir, 'packed', expected.name)), expected.bytes)).toBe(0);
  });

  test('after a connection that broke, in the same run', async () => {
    let calls = 0;
    const manifest = await serving(plain, (encrypted) => (request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const length = encrypted.length - start;
      const range = `bytes ${start}-${encrypted.length - 1}/${encrypted.length}`;
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': length, 'content-range': range });
      if (calls++ < 2) response.write(encrypted.subarray(start, start + 700_001), () => response.destroy());
      else response.end(encrypted.subarray(start));
    });
    const engine = createNativeScoringEngine({ cacheDir: join(dir, 'packed'), precision: 'f32' });
    const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
    await (await cache.open(manifest, { packing: engine.packing!(SHORT_MEDIUM)! })).close();
    const expected = await packedAtOnce(plain, SHORT_MEDIUM, 'f32', manifest);
    expect(Buffer.compare(await readFile(join(dir, 'packed', expected.name)), expected.bytes)).toBe(0);
  });
});

test('nothing packed is left when the bytes are not the announced ones', async () => {
  const plain = weightsBytes(SHORT_MEDIUM);
  const manifest = await serving(plain, (encrypted) => (_request, response) => {
    const changed = Uint8Array.from(encrypted);
    changed[changed.length - 5]! ^= 1;
    response.end(changed);
  });
  const engine = createNativeScoringEngine({ cacheDir: join(dir, 'packed'), precision: 'f32' });
  const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
  const opening = cache.open(manifest, { packing: engine.packing!(SHORT_MEDIUM)!, maxInterruptions: 1 });
  await expect(opening).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  expect(await filesIn('packed')).toEqual([]);
});

test('weights of another model than the engine expects are stored and not packed', async () => {
  const plain = weightsBytes(MODEL_CONFIGS.small);
  const manifest = await serving(plain);
  const engine = createNativeScoringEngine({ cacheDir: join(dir, 'packed'), precision: 'f32' });
  const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
  await (await cache.open(manifest, { packing: engine.packing!(SHORT_MEDIUM)! })).close();
  expect(await filesIn('packed')).toEqual([]);
});

test('packed forms go with their weights, and so does what a dead process left', async () => {
  const plain = weightsBytes(MODEL_CONFIGS.small);
  const manifest = await serving(plain);
  const packed = join(dir, 'packed');
  const engine = createNativeScoringEngine({ cacheDir: packed, precision: 'bf16' });
  const cache = new WeightsCache({ dir: join(dir, 'weights') }, { http });
  const weights = await cache.open(manifest, { packing: engine.packing!(MODEL_CONFIGS.small)! });
  const model = await engine.load(weights, MODEL_CONFIGS.small);
  const identity = weightsIdentity(manifest);
  // No process has this number: it is beyond the largest Linux gives.
  await writeFile(join(packed, `${identity}-bf16-v9-1x1x1.packed.99999999-0.partial`), 'x');
  await writeFile(join(packed, `${identity}-bf16-v9-1x1x1.packed.${process.pid}-7.partial`), 'x');
  await writeFile(join(packed, 'other.txt'), 'x');
  const before = await readdir(packed);
  expect(before.some((name) => name.endsWith('.bound.json'))).toBe(true);
  await prunePacked(packed, new Set([identity]));
  expect(await readdir(packed)).toEqual(before.filter((name) => !name.includes('.99999999-')));
  const want = await model.score([plain.subarray(0, 100)]);
  await prunePacked(packed, new Set());
  expect(await readdir(packed)).toEqual(['other.txt']);
  // What is loaded stays loaded.
  expect(await model.score([plain.subarray(0, 100)])).toEqual(want);
  await model.close();
  await weights.close();
});
