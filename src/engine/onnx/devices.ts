import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import type { OnnxProvider } from './providers.js';

/** Providers of NVIDIA's, which take any of its devices. */
const NVIDIA: ReadonlySet<OnnxProvider> = new Set(['cuda', 'tensorrt']);

/**
 * The devices a provider can be started on, by index; `undefined` where that cannot be told. WebGPU has one: onnxruntime
 * keeps one adapter for the whole process, the first the driver offers.
 *
 * @param root where the kernel shows itself. Default `/`
 */
export function onnxDevices(provider: OnnxProvider, root = '/'): string[] | undefined {
  if (provider === 'dml') return undefined;
  if (!NVIDIA.has(provider)) return [provider === 'webgpu' ? 'the first adapter' : provider];
  if (process.platform !== 'linux') return undefined;
  const folder = join(root, 'proc/driver/nvidia/gpus');
  try {
    // Named by their place on the bus, which is how CUDA counts devices of one kind.
    return readdirSync(folder)
      .sort()
      .map((name) => /^Model:\s*(.+)$/m.exec(readFileSync(join(folder, name, 'information'), 'utf8'))?.[1] ?? name);
  } catch {
    return [];
  }
}

/**
 * Checks that a provider can be started on a device.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no such device, listing those there are
 */
export function assertOnnxDevice(provider: OnnxProvider, device: number, devices = onnxDevices(provider)): void {
  if (devices === undefined || device < devices.length) return;
  const there = devices.map((name, index) => `${index} (${name})`).join(', ');
  throw new QuarryError('ENGINE_UNAVAILABLE', `the provider "${provider}" has no device ${device}`, {
    hint: devices.length === 0 ? 'It has none here: quarry setup gpu says what is missing.' : `Devices here: ${there}.`,
    details: { device, devices: devices.length },
  });
}

/** How onnxruntime is told provider and device. */
export function providerEntry(
  provider: OnnxProvider,
  device: number | undefined,
): OnnxProvider | { name: OnnxProvider; deviceId: number } {
  const chooses = NVIDIA.has(provider) || provider === 'dml';
  return device === undefined || !chooses ? provider : { name: provider, deviceId: device };
}
