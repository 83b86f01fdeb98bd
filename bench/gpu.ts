import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { probeWebGpu } from '../src/engine/gpu/index.js';
import { QuarryError } from '../src/errors/index.js';
import { gpuDistanceCases } from './gpu-distance.js';
import { type GpuProbe, openGpuProbe } from './gpu-probe.js';
import { gpuScoringCases } from './gpu-scoring.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** The device's own limits, which every ratio is taken against. */
export interface GpuLimits {
  /** FLOPs per second of multiply-adds from registers. */
  readonly f32: number;
  /** Absent where shaders have no f16. */
  readonly f16: number | undefined;
  /** Bytes per second. */
  readonly read: number;
}

/** How much is measured. */
export interface GpuBenchSize {
  /** Whether the device is a program on the processor, or little was asked for. */
  readonly small: boolean;
  readonly limits: GpuLimits;
  /** For generated weights; removed at the end. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A GPU through WebGPU: what the adapter is and could do, then distance scans and scoring, each compared with the reference
 * before it is timed. A software adapter gets small cases: they only show that the results are right.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when no adapter answers
 * @throws QuarryError `ENGINE_FAILED` when a result is wrong: nothing is timed that does not compute
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<BenchResult> {
  const probe = await probeWebGpu();
  if (!probe.available) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `no GPU to measure: ${probe.reason}`, {
      hint: 'quarry setup gpu says what is missing on this machine',
    });
  }
  const device = await openGpuProbe();
  const directory = await mkdtemp(path.join(tmpdir(), 'quarry-gpu-'));
  try {
    const small = options.quick === true || probe.isSoftware;
    const limits = await measureLimits(device, small);
    yield* describeDevice(device, limits, probe.isSoftware);
    const size: GpuBenchSize = { small, limits, directory, signal: options.signal };
    yield* gpuDistanceCases(size);
    yield* gpuScoringCases(size);
  } finally {
    device.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureLimits(device: GpuProbe, small: boolean): Promise<GpuLimits> {
  return {
    f32: await device.fmaPeak('f32'),
    f16: device.hasF16 ? await device.fmaPeak('f16') : undefined,
    // Larger than the caches of any GPU.
    read: await device.readBandwidth(small ? 2 ** 22 : 2 ** 29),
  };
}

function* describeDevice(device: GpuProbe, limits: GpuLimits, isSoftware: boolean): Iterable<BenchResult> {
  const { vendor, architecture, device: name, description } = device.adapter;
  const engine = 'webgpu';
  const about = [vendor, architecture, name, description].filter(Boolean).join(' ');
  const buffers = `buffers of ${device.limits.maxStorageBufferBindingSize} bytes`;
  const note = `${about}${isSoftware ? ', a program on the processor' : ''}; ${buffers}; ${device.features.join(' ')}`;
  yield benchResult({
    ...{ bench: 'gpu', case: 'multiply-adds from registers', engine, precision: 'f32' },
    ...{ value: limits.f32, unit: 'FLOP/s', note },
  });
  yield benchResult({
    ...{ bench: 'gpu', case: 'multiply-adds from registers', engine, precision: 'f16' },
    ...(limits.f16 === undefined ? { note: 'skipped: shaders have no f16 here' } : { value: limits.f16 }),
    unit: 'FLOP/s',
  });
  yield benchResult({ bench: 'gpu', case: 'reading device memory', engine, value: limits.read, unit: 'B/s' });
}
