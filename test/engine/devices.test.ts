import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseEngine, createScoringEngine } from '../../src/engine/index.js';
import { assertOnnxDevice, onnxDevices, providerEntry } from '../../src/engine/onnx/devices.js';
import type { ScoreWorkerData } from '../../src/engine/pool/score-task.js';
import { ScoreWorker } from '../../src/engine/pool/score-worker.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { cliRunner } from '../cli/run-cli.js';
import { temporaryDir } from '../store/fixtures.js';
import { useSoftwareVulkan } from './software-vulkan.js';

useSoftwareVulkan();

const config = { ...MODEL_CONFIGS.small, sequenceLength: 16 };

function weightsFile(): string {
  const file = join(temporaryDir(), 'model.safetensors');
  writeFileSync(file, generateWeightsBytes(config, 1n));
  return file;
}

/** A kernel that shows two GPUs. */
function machine(): string {
  const root = temporaryDir();
  for (const [place, model] of [
    ['0000:81:00.0', 'NVIDIA B'],
    ['0000:01:00.0', 'NVIDIA A'],
  ] as const) {
    const folder = join(root, 'proc/driver/nvidia/gpus', place);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'information'), `Model: \t\t ${model}\nIRQ:   \t\t 91\n`);
  }
  return root;
}

describe('devices of an onnxruntime provider', () => {
  test.runIf(process.platform === 'linux')('are what the driver shows, in the order of the bus', () => {
    const devices = onnxDevices('cuda', machine());
    expect(devices).toEqual(['NVIDIA A', 'NVIDIA B']);
    expect(() => assertOnnxDevice('cuda', 1, devices)).not.toThrow();
    expect(() => assertOnnxDevice('cuda', 2, devices)).toThrow(
      expect.objectContaining({ code: 'ENGINE_UNAVAILABLE', hint: 'Devices here: 0 (NVIDIA A), 1 (NVIDIA B).' }),
    );
    expect(() => assertOnnxDevice('tensorrt', 0, onnxDevices('tensorrt', temporaryDir()))).toThrow('has no device 0');
  });

  test('are told to the providers that take any, and only to those', () => {
    expect(providerEntry('cuda', 1)).toEqual({ name: 'cuda', deviceId: 1 });
    expect(providerEntry('cuda', undefined)).toBe('cuda');
    expect(providerEntry('webgpu', 0)).toBe('webgpu');
  });
});

describe('engines on several devices', () => {
  test('are refused where a device is not there, is named twice, or the engine has none', async () => {
    const choose = (devices: number[], engine: 'onnx' | 'auto' | 'native' = 'onnx') =>
      chooseEngine({ engine, devices, provider: 'cpu' }, config);
    const missing = { code: 'ENGINE_UNAVAILABLE', hint: 'Devices here: 0 (cpu).' };
    await expect(choose([0, 3])).rejects.toMatchObject(missing);
    await expect(choose([3], 'auto')).rejects.toMatchObject(missing);
    await expect(choose([0, 0])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'device 0 is named twice',
    });
    await expect(choose([-1])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(choose([0], 'native')).rejects.toThrow('has no choice of devices');
    const file = weightsFile();
    const { exit, error } = await cliRunner({})([
      'score',
      file,
      '--model',
      file,
      '--config',
      'small',
      '--engine',
      'onnx',
      '--devices',
      '0,7',
      '--json',
    ]);
    expect(exit).not.toBe(0);
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', hint: 'Devices here: 0 (cpu).' });
  });

  test('take a device each, in turn', async () => {
    const data: ScoreWorkerData = {
      engine: { engine: 'onnx', provider: 'cpu', threads: 1 },
      devices: [0, 5],
      taken: new SharedArrayBuffer(4),
      releases: 'unused',
    };
    const model = { path: weightsFile(), checksum: 'one', config };
    const [first, second] = [new ScoreWorker(data), new ScoreWorker(data)];
    expect(await first.run({ kind: 'load', model })).toMatchObject({ kind: 'loaded' });
    expect(await second.run({ kind: 'load', model })).toMatchObject({
      kind: 'error',
      error: { message: 'the provider "cpu" has no device 5' },
    });
    await first.release('one');
  });

  test('score on the software adapter as on the processor, in one worker: two would end the process', async (context) => {
    const options = { engine: 'onnx', provider: 'webgpu', devices: [0] } as const;
    await expect(chooseEngine({ ...options, workers: 2 }, config)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    const { engine, workers } = await chooseEngine(options, config);
    const weights = await openSafetensors(weightsFile(), { checksum: 'one' });
    const samples = [new Uint8Array(20).fill(7), new Uint8Array(9).fill(8)];
    try {
      expect(workers).toBe(1);
      const model = await engine.load(weights, config).catch((error: { code: string; message: string }) => {
        if (error.code === 'ENGINE_UNAVAILABLE') return context.skip(error.message);
        throw error;
      });
      const plain = await (await createScoringEngine({ engine: 'js' })).load(weights, config);
      const want = await plain.score(samples);
      for (const [i, { loss }] of (await model.score(samples)).entries()) expect(loss).toBeCloseTo(want[i]!.loss, 4);
      await model.close();
    } finally {
      await engine.close();
      await weights.close();
    }
  }, 120_000);
});
