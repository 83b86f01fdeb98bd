import { QuarryError } from '../errors/index.js';
import { createScoringEngine, type EngineSpec, type ScoringEngineName } from './engine-spec.js';

/** The options that decide the number of workers. */
interface DeviceOptions {
  readonly devices?: readonly number[] | undefined;
  readonly workers?: number | undefined;
  readonly provider?: string | undefined;
}

/**
 * Number of workers of the onnxruntime engine: `workers` for each of `devices`, or `without` if there are none. WebGPU
 * gets one: onnxruntime shares its device among all threads, and crashes the process if two use it.
 *
 * @throws QuarryError `UNSUPPORTED` when more than one is requested on WebGPU
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
 * @param spec spec of the onnxruntime engine
 * @throws QuarryError `INVALID_ARGUMENT` when a device is listed twice or malformed, or the engine does not support
 *   devices
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no such device; lists the existing ones
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
  // A repeated device is more likely a typo than a request for two engines on it; `workers` does that.
  if (twice !== undefined) fail(`device ${twice} is named twice`, '--workers is the number of engines on each device.');
  for (const device of devices) await (await createScoringEngine({ ...spec, device })).close();
}
