import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNativeScoringEngine, loadAddon, nativeCapabilities } from '../../src/engine/native/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import type { TensorDtype, WeightsFile } from '../../src/weights/weights-file.js';
import { initialWeights, mixedBytes, SHORT_MEDIUM, weightsBytes } from './models.js';

const TINY: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 32 };
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'quarry-native-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function onDisk(bytes: Uint8Array, name = 'model.safetensors'): Promise<WeightsFile> {
  const file = path.join(directory, name);
  await writeFile(file, bytes);
  return openSafetensors(file);
}

describe('packed weights', () => {
  const cache = (): string => path.join(directory, 'cache');
  const packedFiles = async (): Promise<string[]> =>
    (await readdir(cache())).filter((name) => !name.endsWith('.bound.json'));

  test('are written once, read again, and give the same scores', async () => {
    const weights = await onDisk(weightsBytes(TINY));
    const inMemory = await (await createNativeScoringEngine().load(weights, TINY)).score([mixedBytes(70)]);
    const engine = createNativeScoringEngine({ cacheDir: cache() });
    const first = await engine.load(weights, TINY);
    expect(await first.score([mixedBytes(70)])).toEqual(inMemory);
    const [name, ...others] = await packedFiles();
    expect(others).toEqual([]);
    const { ino, mtimeMs } = await stat(path.join(cache(), name!));
    const second = await engine.load(weights, TINY);
    expect(await second.score([mixedBytes(70)])).toEqual(inMemory);
    expect(await stat(path.join(cache(), name!))).toMatchObject({ ino, mtimeMs });
    await first.close();
    await second.close();
    await weights.close();
  });

  test('are rebuilt when the file is incomplete or not the expected one', async () => {
    const weights = await onDisk(weightsBytes(TINY));
    const engine = createNativeScoringEngine({ cacheDir: cache() });
    const want = await (await engine.load(weights, TINY)).score([mixedBytes(70)]);
    const [name] = await packedFiles();
    const file = path.join(cache(), name!);
    const whole = await readFile(file);
    const spoilt = Uint8Array.from(whole);
    spoilt[8] = 0xff;
    for (const content of [whole.subarray(0, 5000), new Uint8Array(0), spoilt]) {
      await rm(file);
      await writeFile(file, content);
      expect(await (await engine.load(weights, TINY)).score([mixedBytes(70)])).toEqual(want);
      expect(whole.equals(await readFile(file))).toBe(true);
    }
    await weights.close();
  });

  test('are made by one of several loads at the same time', async () => {
    const weights = await onDisk(weightsBytes(SHORT_MEDIUM));
    const engine = createNativeScoringEngine({ cacheDir: cache(), precision: 'f32', threads: 1 });
    const models = await Promise.all([1, 2, 3].map(() => engine.load(weights, SHORT_MEDIUM)));
    const all = await Promise.all(models.map((model) => model.score([mixedBytes(100)])));
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
    expect(await packedFiles()).toHaveLength(1);
    await weights.close();
  });

  test('keep the measured error bound beside them', async () => {
    const weights = await onDisk(weightsBytes(SHORT_MEDIUM));
    const engine = createNativeScoringEngine({ cacheDir: cache(), precision: 'bf16' });
    const { errorBound } = await engine.load(weights, SHORT_MEDIUM);
    expect(errorBound.loss).toBeGreaterThan(0);
    const kept = (await readdir(cache())).find((name) => name.endsWith('.bound.json'));
    await writeFile(path.join(cache(), kept!), '{"loss":0.25,"distance":0.5}');
    expect((await engine.load(weights, SHORT_MEDIUM)).errorBound).toEqual({ loss: 0.25, distance: 0.5 });
    await weights.close();
  });

  test('a cache that cannot be written is a stated error', async () => {
    const weights = await onDisk(weightsBytes(TINY));
    const engine = createNativeScoringEngine({ cacheDir: path.join(directory, 'model.safetensors', 'cache') });
    await expect(engine.load(weights, TINY)).rejects.toMatchObject({ name: 'QuarryError' });
    await weights.close();
  });
});

describe('element types', () => {
  /** Values every type below holds exactly: small integers, halves where the type has fractions. */
  function encode(dtype: TensorDtype, values: Float32Array): Uint8Array {
    const raw = ((): ArrayLike<number> & { buffer: ArrayBufferLike } => {
      switch (dtype) {
        case 'F64':
          return Float64Array.from(values);
        case 'BF16':
          return Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) => bits >>> 16);
        case 'F16':
          // Sign, exponent less 112, ten bits of fraction; zero stays zero. All test values are normal in f16.
          return Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) =>
            (bits << 1) >>> 0 === 0 ? 0 : ((bits >>> 16) & 0x8000) | (((bits >>> 13) & 0x3ffff) - (112 << 10)),
          );
        case 'I8':
          return Int8Array.from(values);
        case 'I32':
          return Int32Array.from(values);
        default:
          return values;
      }
    })();
    return new Uint8Array(raw.buffer);
  }

  test.each(['F64', 'BF16', 'F16', 'I8', 'I32'] as const)('%s weights score as their f32 values do', async (dtype) => {
    const fractions = dtype.startsWith('I') ? 1 : 4;
    const tensors = initialWeights(TINY).map((tensor) => ({
      ...tensor,
      data: tensor.data.map((x) => Math.round(x * 3 * fractions) / fractions),
    }));
    const asF32 = safetensorsFromBytes(encodeSafetensors(tensors));
    const weights = await onDisk(
      encodeSafetensors(tensors.map((tensor) => ({ ...tensor, dtype, data: encode(dtype, tensor.data) }))),
    );
    const engine = createNativeScoringEngine();
    const want = await (await engine.load(asF32, TINY)).score([mixedBytes(50)]);
    expect(want[0]!.loss).toSatisfy(Number.isFinite);
    expect(await (await engine.load(weights, TINY)).score([mixedBytes(50)])).toEqual(want);
    await weights.close();
  });
});

describe('calls', () => {
  test('a signal stops a score between layers, and the model stays usable', async () => {
    const config: ModelConfig = { ...MODEL_CONFIGS.medium };
    const model = await createNativeScoringEngine({ threads: 1 }).load(
      safetensorsFromBytes(weightsBytes(config)),
      config,
    );
    // To its end it takes a minute, and gives a score.
    const long = model.score([mixedBytes(1024 * 1024)], { signal: AbortSignal.timeout(30) });
    await expect(long).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await model.score([mixedBytes(10)])).toHaveLength(1);
    await model.close();
  });

  test('the event loop turns while a score runs', async () => {
    const model = await createNativeScoringEngine().load(
      safetensorsFromBytes(weightsBytes(SHORT_MEDIUM)),
      SHORT_MEDIUM,
    );
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await model.score([mixedBytes(4096)]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    await model.close();
  });

  test('a sample without bytes, a closed model, a fired signal', async () => {
    const model = await createNativeScoringEngine().load(safetensorsFromBytes(weightsBytes(TINY)), TINY);
    await expect(model.score([mixedBytes(1), new Uint8Array(0)])).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    await expect(model.score([mixedBytes(1)], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(await model.score([])).toEqual([]);
    await model.close();
    await model.close();
    await expect(model.score([mixedBytes(1)])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('f32 when asked for, and no bound where f32 is the default', async () => {
    const weights = safetensorsFromBytes(weightsBytes(SHORT_MEDIUM));
    const low = await createNativeScoringEngine({ precision: 'bf16' }).load(weights, SHORT_MEDIUM);
    const full = await createNativeScoringEngine({ precision: 'f32' }).load(weights, SHORT_MEDIUM);
    const [forced] = await low.score([mixedBytes(200)], { precision: 'f32' });
    expect([forced]).toEqual(await full.score([mixedBytes(200)]));
    expect(full.errorBound).toEqual({ loss: 0, distance: 0 });
    // A narrow model is scored in f32 unless told otherwise.
    const narrow = await createNativeScoringEngine().load(safetensorsFromBytes(weightsBytes(TINY)), TINY);
    expect(narrow.precision).toBe('f32');
  });

  test('a file for another configuration', async () => {
    const weights = safetensorsFromBytes(weightsBytes(TINY));
    const wider = { ...TINY, hiddenDim: 64 };
    await expect(createNativeScoringEngine().load(weights, wider)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  test('a file that has lost its end since it was opened', async () => {
    const weights = await onDisk(weightsBytes(TINY));
    await writeFile(weights.path!, (await readFile(weights.path!)).subarray(0, 9000));
    await expect(createNativeScoringEngine().load(weights, TINY)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
    await weights.close();
  });
});

describe('availability', () => {
  test('no binary: a reason and a hint', () => {
    expect(() => loadAddon(path.join(directory, 'quarry.node'))).toThrowError(
      expect.objectContaining({ code: 'ENGINE_UNAVAILABLE', hint: expect.stringContaining('quarry build-native') }),
    );
  });

  test('a binary that does not load', async () => {
    const file = path.join(directory, 'quarry.node');
    await writeFile(file, 'not a shared object');
    expect(() => loadAddon(file)).toThrowError(expect.objectContaining({ code: 'ENGINE_UNAVAILABLE' }));
  });

  test('a level this machine lacks', () => {
    const capabilities = nativeCapabilities();
    if (!capabilities.available) throw new Error('the core is built in tests');
    expect(existsSync('native/build/Release/quarry.node')).toBe(true);
    for (const isa of ['neon', 'avx2'] as const) {
      if (capabilities.usable.includes(isa)) continue;
      expect(() => createNativeScoringEngine({ isa })).toThrowError(
        expect.objectContaining({ code: 'ENGINE_UNAVAILABLE' }),
      );
    }
  });
});
