import { QuarryError } from '../errors/index.js';
import { createScoringEngine, type EngineSpec, type ScoringEngineName } from './engine-spec.js';

/** Who scores, where devices may be named. */
interface DeviceOptions {
  readonly devices?: readonly number[] | undefined;
  readonly workers?: number | undefined;
  readonly provider?: string | undefined;
}

/**
 * Workers of onnxruntime's engine: for the devices named so many on each, as many as without where none is, and one for
 * WebGPU, whose device onnxruntime shares among all threads and which ends the process when two use it.
 *
 * @throws QuarryError `UNSUPPORTED` when more are asked for on WebGPU
 */
export function onnxWorkers({ devices, workers, provider }: DeviceOptions, without: number): number {
  if (provider !== 'webgpu') return devices === undefined ? without : devices.length * (workers ?? 1);
  if (workers === undefined || workers === 1) return 1;
  throw new QuarryError('UNSUPPORTED', `onnxruntime's WebGPU takes one worker, not ${workers}`, {
    hint: 'Leave out --workers: a GPU is kept busy by one.',
  });
}

/**
 * Checks devices by starting an engine on each.
 *
 * @param spec of onnxruntime's engine
 * @throws QuarryError `INVALID_ARGUMENT` when one is named twice, is no index, or the engine has no choice of them
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no such device, listing those there are
 */
export async function assertDevices(
  devices: readonly number[],
  engine: ScoringEngineName | 'auto',
  spec: EngineSpec,
): Promise<void> {
  const fail = (message: string, hint: string): never => {
    throw new QuarryError('INVALID_ARGUMENT', message, { hint });
  };
  if (engine !== 'auto' && engine !== 'onnx')
    fail(`the engine ${engine} has no choice of devices`, 'Take --engine onnx, or leave out --devices.');
  const odd = devices.some((device) => !Number.isSafeInteger(device) || device < 0);
  if (odd || devices.length === 0) fail('devices are named by index, from 0', 'Name them as in --devices 0,1.');
  const twice = devices.find((device, at) => devices.indexOf(device) !== at);
  // Two engines on one device are two workers on it: the same list twice would be a slip more often than a wish.
  if (twice !== undefined) fail(`device ${twice} is named twice`, '--workers is the number of engines on each device.');
  for (const device of devices) await (await createScoringEngine({ ...spec, device })).close();
}
