import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import type { OnnxProvider } from './providers.js';

/** NVIDIA providers, which can use any NVIDIA device. */
const NVIDIA: ReadonlySet<OnnxProvider> = new Set(['cuda', 'tensorrt']);

/**
 * Names of a provider's devices, by index; `undefined` if unknown. WebGPU has one: onnxruntime uses one adapter for the
 * whole process, the driver's first.
 *
 * @param root root of `/proc`. Default `/`
 */
export function onnxDevices(provider: OnnxProvider, root = '/'): string[] | undefined {
  if (provider === 'dml') return undefined;
  if (!NVIDIA.has(provider)) return [provider === 'webgpu' ? 'the first adapter' : provider];
  if (process.platform !== 'linux') return undefined;
  const folder = join(root, 'proc/driver/nvidia/gpus');
  try {
    // Sorted by bus id, which is how CUDA numbers devices of the same model.
    return readdirSync(folder)
      .sort()
      .map((name) => /^Model:\s*(.+)$/m.exec(readFileSync(join(folder, name, 'information'), 'utf8'))?.[1] ?? name);
  } catch {
    return [];
  }
}

/**
 * Checks that a provider has a device.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no such device; lists the existing ones
 */
export function assertOnnxDevice(provider: OnnxProvider, device: number, devices = onnxDevices(provider)): void {
  if (devices === undefined || device < devices.length) return;
  const there = devices.map((name, index) => `${index} (${name})`).join(', ');
  throw new QuarryError('ENGINE_UNAVAILABLE', `the provider "${provider}" has no device ${device}`, {
    hint: devices.length === 0 ? 'It has none here: quarry setup gpu says what is missing.' : `Devices here: ${there}.`,
    details: { device, devices: devices.length },
  });
}

/** Provider and device in the form that onnxruntime takes. */
export function providerEntry(
  provider: OnnxProvider,
  device: number | undefined,
): OnnxProvider | { name: OnnxProvider; deviceId: number } {
  const chooses = NVIDIA.has(provider) || provider === 'dml';
  return device === undefined || !chooses ? provider : { name: provider, deviceId: device };
}
