import { beforeAll, expect, test } from 'vitest';
import { createGpuDistanceEngine, probeWebGpu } from '../../src/engine/gpu/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { FallbackScanner } from '../../src/store/fallback-scanner.js';
import { createFileScanner } from '../../src/store/file-scanner.js';
import { withSyntheticRows } from '../../src/store/measure-scanner.js';
import { ResidentScanner } from '../../src/store/resident-scanner.js';
import { useSoftwareVulkan } from '../engine/software-vulkan.js';

const SIZE = { rows: 2_000, dim: 16 };
/** The device that gpu.js opened. */
let device: GPUDevice | undefined;

beforeAll(async () => {
  useSoftwareVulkan();
  const probe = await probeWebGpu();
  if (!probe.available) return;
  const { gpu } = (globalThis as unknown as { navigator: { gpu: GPU } }).navigator;
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await requestAdapter(options);
    if (adapter === null) return null;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      device = await requestDevice(descriptor);
      return device;
    };
    return adapter;
  };
});

test('rows that the device did not keep are an error, not rows without hits', async (context) => {
  if (!(await probeWebGpu()).available) return context.skip('no adapter');
  const engine = await createGpuDistanceEngine({ mode: 'webgpu' });
  const rows = { data: new Float32Array(8 * 16).map((_, i) => (i % 7) - 2), rows: 8, dim: 16 };
  (await engine.prepareRows(rows)).close();
  // Out of memory, a device drops commands instead of failing them: here it drops the upload.
  const submit = device!.queue.submit.bind(device!.queue);
  device!.queue.submit = () => {
    device!.queue.submit = submit;
  };
  await expect(engine.prepareRows(rows)).rejects.toMatchObject({
    code: 'ENGINE_FAILED',
    message: 'the device did not keep the rows',
  });
  (await engine.prepareRows(rows)).close();
  await engine.close();
});

test('after its device is lost, a scan is repeated on the CPU, which scans from then on', async (context) => {
  if (!(await probeWebGpu()).available) return context.skip('no adapter');
  const failures: QuarryError[] = [];
  const gpu = new ResidentScanner(await createGpuDistanceEngine({ mode: 'webgpu' }));
  const scanner = new FallbackScanner(gpu, createFileScanner, (failure) => failures.push(failure));
  await withSyntheticRows(SIZE, async ({ selection, target }) => {
    const targets = { data: target, thresholds: Float32Array.of(0.9), targets: 1, dim: SIZE.dim };
    const want = await createFileScanner().scan(selection, targets, { mode: 'all' });
    expect(want.length).toBeGreaterThan(10);
    expect(await scanner.scan(selection, targets, { mode: 'all' })).toEqual(want);
    expect(scanner.name).toBe('gpu.js webgpu');
    const lost = device!.lost;
    device!.destroy();
    await lost;
    const both = await Promise.all([1, 2].map(() => scanner.scan(selection, targets, { mode: 'all' })));
    expect(both).toEqual([want, want]);
    expect(scanner.name).toBe('files');
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringMatching(/^the GPU failed/) });
    expect(await scanner.scan(selection, targets, { mode: 'first' })).toEqual(want.slice(0, 1));
  });
  await scanner.close();
});

test("an error that is not the GPU's is passed on", async () => {
  const scanner = new FallbackScanner(createFileScanner(), createFileScanner, () => {
    throw new QuarryError('INTERNAL', 'not asked for');
  });
  await withSyntheticRows(SIZE, async ({ selection, target }) => {
    const targets = { data: target, thresholds: Float32Array.of(0.9), targets: 1, dim: SIZE.dim };
    const signal = AbortSignal.abort();
    await expect(scanner.scan(selection, targets, { mode: 'all', signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
  await scanner.close();
});
