import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunkFlops, probeShape } from '../../src/engine/calibration/probe-shape.js';
import { assertModelConfig, chooseEngine, engineSpeeds, MODEL_CONFIGS } from '../../src/engine/index.js';
import { createOnnxEngine } from '../../src/engine/onnx/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { useSoftwareVulkan } from './software-vulkan.js';

useSoftwareVulkan();

/** Whether onnxruntime is there and finds a WebGPU device. */
async function gpuStarts(): Promise<boolean> {
  try {
    const engine = await createOnnxEngine({ provider: 'webgpu' });
    const config = { ...MODEL_CONFIGS.small, sequenceLength: 8 };
    await (await engine.load(safetensorsFromBytes(generateWeightsBytes(config, 1n)), config)).close();
    return true;
  } catch {
    return false;
  }
}

describe('the choice of an engine', () => {
  let dir: string;
  const files = { speedFile: '' };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'quarry-speeds-'));
    files.speedFile = join(dir, 'state', 'engine-speed.json');
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('measures models of the same proportions that take milliseconds', () => {
    for (const config of Object.values(MODEL_CONFIGS)) {
      for (const engine of ['native', 'onnx', 'js'] as const) {
        const shape = probeShape(config, engine);
        assertModelConfig(shape);
        expect(shape.numLayers).toBe(1);
        expect(shape.embeddingDim).toBeLessThanOrEqual(config.embeddingDim);
        expect(shape.hiddenDim / shape.embeddingDim).toBeCloseTo(config.hiddenDim / config.embeddingDim, 1);
        expect(chunkFlops(shape)).toBeLessThan(engine === 'js' ? 1e8 : 3e9);
      }
    }
    expect(chunkFlops(MODEL_CONFIGS.v1)).toBeGreaterThan(2.4e12);
  });

  it('puts the fastest first, keeps what it measured, and measures another model anew', async () => {
    const first = await engineSpeeds(files, MODEL_CONFIGS.medium);
    expect(first.kept).toBe(false);
    const running = first.candidates.filter(({ available }) => available);
    const speeds = running.map(({ chunksPerSecond }) => chunksPerSecond!);
    const usual = running.filter(({ precision }) => precision !== 'f16').map(({ chunksPerSecond }) => chunksPerSecond!);
    expect(usual).toEqual([...usual].sort((a, b) => b - a));
    expect(running.map(({ name }) => name)).toContain('js');
    expect(speeds.every((speed) => speed > 0 && Number.isFinite(speed))).toBe(true);

    const second = await engineSpeeds(files, MODEL_CONFIGS.medium);
    expect(second).toEqual({ ...first, kept: true });
    expect((await engineSpeeds(files, { ...MODEL_CONFIGS.medium, numLayers: 3 }, 'never')).measuredAt).toBeUndefined();
    expect((await engineSpeeds({ ...files, isa: 'serial' }, MODEL_CONFIGS.medium, 'never')).measuredAt).toBeUndefined();
    expect((await engineSpeeds({ ...files, threads: 3 }, MODEL_CONFIGS.medium, 'never')).measuredAt).toBeUndefined();
    expect((await engineSpeeds(files, MODEL_CONFIGS.medium, 'always')).kept).toBe(false);
  });

  it('chooses by what is kept, and says how fast each was', async () => {
    await engineSpeeds(files, MODEL_CONFIGS.medium);
    // Another winner than any machine would find shows that the file decides.
    const text = await readFile(files.speedFile, 'utf8');
    const content = JSON.parse(text) as {
      entries: Record<string, { speeds: { engine: string; chunksPerSecond: number }[] }>;
    };
    for (const { speeds } of Object.values(content.entries))
      for (const speed of speeds) if (speed.engine === 'js') speed.chunksPerSecond = 123_456;
    await writeFile(files.speedFile, JSON.stringify(content));
    const chosen = await chooseEngine({ engine: 'auto', workers: 1, ...files, threads: 1 }, MODEL_CONFIGS.medium);
    await chosen.engine.close();
    // Other workers are another measurement: this one was made now.
    expect(chosen.reason).toContain('measured now');
    const kept = await chooseEngine({ engine: 'auto', ...files }, MODEL_CONFIGS.medium);
    await kept.engine.close();
    expect(kept.name).toBe('js');
    expect(kept.reason).toMatch(/js 123000.*measured \d{4}-\d\d-\d\d/);
    expect(kept.candidates[0]).toMatchObject({ name: 'js', chunksPerSecond: 123_456 });
  });

  it('takes f16 where it is clearly faster than f32 on the same provider, and never unasked otherwise', async (context) => {
    if (!(await gpuStarts())) return context.skip('no WebGPU device here');
    const onGpu = { speedFile: join(dir, 'gpu.json'), provider: 'webgpu' };
    const { candidates } = await engineSpeeds(onGpu, MODEL_CONFIGS.medium);
    const onnx = candidates.filter(({ name }) => name === 'onnx');
    expect(onnx.map(({ precision }) => precision).sort()).toEqual(['f16', 'f32']);
    for (const each of onnx) {
      // The software GPU of the tests has no f16, and that is an answer.
      if (!each.available) expect(each.error.message).toContain('f16');
      else expect(each.chunksPerSecond).toBeGreaterThan(0);
    }
    const asked = await engineSpeeds({ ...onGpu, precision: 'f32' }, MODEL_CONFIGS.medium, 'never');
    expect(asked.candidates.filter(({ name }) => name === 'onnx')).toHaveLength(1);
    const onProcessor = await engineSpeeds(files, MODEL_CONFIGS.medium, 'never');
    expect(onProcessor.candidates.filter(({ name }) => name === 'onnx')).toHaveLength(1);
    const chooseBy = async (f32: number, half: { chunksPerSecond: number } | { refused: string }) => {
      const content = JSON.parse(await readFile(onGpu.speedFile, 'utf8')) as {
        entries: Record<string, { speeds: { engine: string; precision: string }[] }>;
      };
      for (const entry of Object.values(content.entries)) {
        entry.speeds = entry.speeds.map(({ engine, precision }) => {
          if (engine !== 'onnx') return { engine, precision, chunksPerSecond: 1 };
          return { engine, precision, ...(precision === 'f16' ? half : { chunksPerSecond: f32 }) };
        });
      }
      await writeFile(onGpu.speedFile, JSON.stringify(content));
      const chosen = await chooseEngine({ engine: 'auto', ...onGpu }, MODEL_CONFIGS.medium);
      await chosen.engine.close();
      return chosen;
    };
    const faster = await chooseBy(1000, { chunksPerSecond: 2000 });
    expect(faster).toMatchObject({ name: 'onnx', engine: { precision: 'f16' } });
    expect(faster.reason).toContain('onnx f16 2000, onnx 1000');
    const chance = await chooseBy(1000, { chunksPerSecond: 1100 });
    expect(chance).toMatchObject({ name: 'onnx', engine: { precision: 'f32' } });
    expect(chance.reason).toContain('onnx 1000, onnx f16 1100');
    const refused = await chooseBy(1000, { refused: 'f32 instead of f16: no such kernels' });
    expect(refused).toMatchObject({ name: 'onnx', engine: { precision: 'f32' } });
    expect(refused.reason).toContain('onnx f16: f32 instead of f16: no such kernels');
  });

  it('treats a damaged file as missing', async () => {
    const speedFile = join(dir, 'damaged.json');
    for (const text of ['', '[]', '{"version":1,"entries":{"a":{"speeds":[1]}}}', '{"version":99}']) {
      await writeFile(speedFile, text);
      expect((await engineSpeeds({ speedFile }, MODEL_CONFIGS.small, 'never')).measuredAt).toBeUndefined();
    }
    await writeFile(speedFile, '{');
    expect((await engineSpeeds({ speedFile }, MODEL_CONFIGS.small)).kept).toBe(false);
    expect((await engineSpeeds({ speedFile }, MODEL_CONFIGS.small)).kept).toBe(true);
  });

  it('measures nothing where the native core is sure to lead, nor when the engine is given', async () => {
    const speedFile = join(dir, 'unused.json');
    const auto = await chooseEngine({ engine: 'auto', speedFile }, MODEL_CONFIGS.small);
    await auto.engine.close();
    const native = auto.candidates.find(({ name }) => name === 'native');
    expect(auto.name === 'native').toBe(native?.available);
    const told = await chooseEngine({ engine: 'js', speedFile }, MODEL_CONFIGS.v1);
    await told.engine.close();
    expect(told).toMatchObject({
      name: 'js',
      reason: 'chosen by the user',
      candidates: [{ name: 'js' }],
    });
    if (native?.available) await expect(readFile(speedFile)).rejects.toThrow();
  });

  it('leaves out an engine that does not run, with its reason', async () => {
    const { candidates } = await engineSpeeds({ provider: 'cuda' }, MODEL_CONFIGS.small);
    const onnx = candidates.find(({ name }) => name === 'onnx');
    // Where there is a GPU it runs; elsewhere it says why not.
    expect(onnx?.available ? onnx.chunksPerSecond : onnx?.error.code).toSatisfy(
      (found: unknown) => typeof found === 'number' || found === 'ENGINE_UNAVAILABLE',
    );
    expect(candidates.at(-1)?.name === 'onnx').toBe(onnx?.available === false);
  });

  it('stops on its signal', async () => {
    const signal = AbortSignal.abort();
    await expect(engineSpeeds({ signal }, MODEL_CONFIGS.medium)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
