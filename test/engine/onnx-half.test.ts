import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { scoreError } from '../../src/engine/calibration/error-bound.js';
import { LARGEST_HALF, toHalf } from '../../src/engine/onnx/half.js';
import { createOnnxEngine } from '../../src/engine/onnx/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { pruneCacheDirectory } from '../../src/weights/prune.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import type { WeightsFile } from '../../src/weights/weights-file.js';
import { initialWeights, mixedBytes, weightsBytes } from '../native/models.js';

/** The value of an f16, by its definition. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function halfOf(...values: number[]): { bits: number[]; finite: boolean } {
  const into = new Uint16Array(values.length);
  const finite = toHalf(Float32Array.from(values), into);
  return { bits: [...into], finite };
}

describe('rounding to f16', () => {
  test('keeps every f16 as it is, and rounds what lies between two to the nearest, halves to even', () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      const value = fromHalf(bits);
      const next = bits === 0x7bff ? 65_536 : fromHalf(bits + 1);
      const middle = (value + next) / 2;
      const nudge = (next - value) / 8;
      expect(halfOf(value, -value, middle, middle - nudge, middle + nudge).bits).toEqual([
        bits,
        bits | 0x8000,
        bits + (bits & 1),
        bits,
        bits + 1,
      ]);
    }
  });

  test('says when a value is not finite in f16', () => {
    expect(halfOf(LARGEST_HALF, -LARGEST_HALF, 65_519, 1e-30)).toMatchObject({ finite: true });
    for (const value of [65_520, -1e30, Infinity, Number.NaN]) expect(halfOf(1, value).finite).toBe(false);
    expect(fromHalf(halfOf(Number.NaN).bits[0]!)).toBeNaN();
    expect(halfOf(-Infinity, 1e10).bits).toEqual([0xfc00, 0x7c00]);
  });
});

test('disables the telemetry of onnxruntime before loading it', async () => {
  const engine = await createOnnxEngine();
  await engine.close();
  expect(process.env['ORT_DISABLE_TELEMETRY']).toBe('1');
});

describe('the ONNX engine in f16', () => {
  const config: ModelConfig = { ...MODEL_CONFIGS.small, embeddingDim: 64, hiddenDim: 128, sequenceLength: 32 };
  const samples = [mixedBytes(1), mixedBytes(32), mixedBytes(100)];
  let directory: string;
  let cacheDir: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quarry-half-test-'));
    cacheDir = join(directory, 'packed');
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function onDisk(name: string, bytes: Uint8Array): Promise<WeightsFile> {
    const path = join(directory, name);
    await writeFile(path, bytes);
    return openSafetensors(path);
  }

  test('scores within the bound that it measured, and in f32 when asked to', async () => {
    const weights = await onDisk('model.safetensors', weightsBytes(config));
    const f32 = await (await createOnnxEngine()).load(weights, config);
    const want = await f32.score(samples);
    const engine = await createOnnxEngine({ precision: 'f16', cacheDir });
    const model = await engine.load(weights, config);
    expect(model.note).toBeUndefined();
    const got = await model.score(samples);
    for (const [i, score] of got.entries()) {
      expect(score.precision).toBe('f16');
      const error = scoreError(score, want[i]!);
      // Not the f32 graph by another name.
      expect(error.distance).toBeGreaterThan(1e-5);
      expect(error.loss).toBeLessThanOrEqual(model.errorBound.loss);
      expect(error.distance).toBeLessThanOrEqual(model.errorBound.distance);
    }
    expect(await model.score(samples, { precision: 'f32' })).toEqual(want);
    await f32.close();
    await model.close();
    await weights.close();
  });

  test('converts a model once, half as large, and its files go with its weights', async () => {
    const weights = await onDisk('again.safetensors', weightsBytes(config, 1));
    const engine = await createOnnxEngine({ precision: 'f16', cacheDir });
    const first = await engine.load(weights, config);
    const of = async (ending: string): Promise<string[]> =>
      (await readdir(cacheDir)).filter((name) => name.startsWith(weights.checksum) && name.endsWith(ending));
    const [name, ...others] = await of('.matrices');
    expect(others).toEqual([]);
    const { embeddingDim: e, hiddenDim: h, numLayers } = config;
    const before = await stat(join(cacheDir, name!));
    expect(before.size).toBe(2 * numLayers * (4 * e * e + 2 * e * h));
    const kept = await of('.bound.json');
    expect(kept).toHaveLength(1);
    await writeFile(join(cacheDir, kept[0]!), '{"loss":0.001,"distance":0.002}');
    const second = await engine.load(weights, config);
    expect(second.errorBound).toEqual({ loss: 0.001, distance: 0.002 });
    expect(await second.score(samples)).toEqual(await first.score(samples));
    expect((await stat(join(cacheDir, name!))).mtimeMs).toBe(before.mtimeMs);
    await first.close();
    await second.close();
    await pruneCacheDirectory(cacheDir, []);
    expect(await readdir(cacheDir)).toEqual([]);
    await weights.close();
  });

  test('leaves nothing behind where nothing is to be kept, and takes weights from memory', async () => {
    // Other tests use the common folder.
    const own = await mkdtemp(join(directory, 'tmp-'));
    vi.stubEnv('TMPDIR', own);
    const engine = await createOnnxEngine({ precision: 'f16' });
    const model = await engine.load(safetensorsFromBytes(weightsBytes(config)), config);
    expect((await model.score(samples)).map(({ precision }) => precision)).toEqual(['f16', 'f16', 'f16']);
    expect(await readdir(own)).toHaveLength(1);
    await model.close();
    expect(await readdir(own)).toEqual([]);
    vi.unstubAllEnvs();
  });

  test('refuses weights and activations beyond its range, says so, and scores in f32', async () => {
    const cases: [string, RegExp, (name: string, data: Float32Array) => void][] = [
      [
        'a weight over 65,504',
        /"encoder.layers.1.attention.key.weight" has values/,
        (name, data) => {
          if (name === 'encoder.layers.1.attention.key.weight') data[7] = 70_000;
        },
      ],
      [
        'a weight that is NaN',
        /"encoder.layers.0.pwff.linear_outer.weight" has values/,
        (name, data) => {
          if (name === 'encoder.layers.0.pwff.linear_outer.weight') data[7] = Number.NaN;
        },
      ],
      [
        'layer inputs over 65,504',
        /leave the range/,
        (name, data) => {
          if (name.endsWith('norm_2.gamma')) data.fill(1e5);
        },
      ],
      [
        'attention too sharp for eleven bits',
        /leave the range/,
        (name, data) => {
          if (name.endsWith('norm_1.gamma')) data.fill(60);
        },
      ],
    ];
    for (const [title, reason, edit] of cases) {
      const tensors = initialWeights(config);
      for (const { name, data } of tensors) edit(name, data);
      const weights = await onDisk('hostile.safetensors', encodeSafetensors(tensors));
      const model = await (await createOnnxEngine({ precision: 'f16', cacheDir })).load(weights, config);
      expect(model.note, title).toMatch(/^f32 instead of f16: /);
      expect(model.note, title).toMatch(reason);
      const full = await (await createOnnxEngine()).load(weights, config);
      expect(await model.score(samples), title).toEqual(await full.score(samples));
      await model.close();
      await full.close();
      await weights.close();
    }
  });

  test('scores a sample that overflows again in f32', async () => {
    const tensors = initialWeights(config);
    // A byte that calibration does not have reaches far beyond the range.
    const embedding = tensors.find(({ name }) => name === 'embedding.weight')!.data;
    const gamma = tensors.find(({ name }) => name === 'encoder.layers.0.norm_1.gamma')!.data;
    const byte = 0xd7;
    embedding.fill(0, byte * 64, (byte + 1) * 64);
    embedding[byte * 64 + 9] = 1;
    for (let token = 0; token < 264; token++) if (token !== byte) embedding[token * 64 + 9] = 0;
    gamma[9] = 60_000;
    const weights = await onDisk('sample.safetensors', encodeSafetensors(tensors));
    const model = await (await createOnnxEngine({ precision: 'f16' })).load(weights, config);
    const full = await (await createOnnxEngine()).load(weights, config);
    const sample = new Uint8Array(20).fill(byte);
    const [score] = await model.score([sample]);
    expect(score).toEqual((await full.score([sample]))[0]);
    expect(score!.precision).toBe('f32');
    await model.close();
    await full.close();
    await weights.close();
  });
});
