import { hasGpuDevice } from '../gpu-device.js';
import { askAdapterProcess } from './adapter-process.js';
import { type NavigatorGpu, requestAdapter, unansweredAfter, type WebGpuProbe } from './request-adapter.js';
import { hasVulkanDriver } from './vulkan-drivers.js';

/** Options of {@link probeWebGpu}. */
export interface WebGpuProbeOptions {
  /** How long the graphics driver may take, milliseconds. Default 30,000: several GPUs that were asleep take seconds. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 30_000;

let known: Promise<WebGpuProbe> | undefined;

/**
 * Requests an adapter, once per process: later calls return the same answer. If there is one, installs `navigator.gpu`
 * from the `webgpu` package (Dawn) where Node lacks it. A driver that hangs or crashes is an unavailable adapter.
 */
export function probeWebGpu({ timeoutMs = TIMEOUT_MS }: WebGpuProbeOptions = {}): Promise<WebGpuProbe> {
  known ??= probe(timeoutMs);
  return known;
}

async function probe(timeoutMs: number): Promise<WebGpuProbe> {
  const existing = currentNavigator().gpu;
  if (existing !== undefined) return answerOf(existing, timeoutMs);
  // Without a Vulkan loader or driver Dawn takes long to find nothing.
  if (process.platform === 'linux' && !hasVulkanLoader()) {
    return { available: false, reason: 'no Vulkan loader (libvulkan.so.1) is installed' };
  }
  if (process.platform === 'linux' && !hasGpuDevice() && !hasVulkanDriver()) {
    return { available: false, reason: 'the kernel shows no GPU in /dev, and no Vulkan driver is installed' };
  }
  const answer = await askAdapterProcess(timeoutMs);
  if (answer.available) await installWebGpu();
  return answer;
}

/** The answer of a `navigator.gpu` that was here before, which need not be Dawn's. */
function answerOf(gpu: NavigatorGpu, timeoutMs: number): Promise<WebGpuProbe> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(unansweredAfter(timeoutMs)), timeoutMs);
    void requestAdapter(gpu).then((probe) => {
      clearTimeout(timer);
      resolve(probe);
    });
  });
}

async function installWebGpu(): Promise<void> {
  const dawn = await import('webgpu');
  // WebGPU code such as gpu.js expects the constants and classes as globals.
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (name in globalThis) continue;
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  // Never removed: Dawn's instance must outlive all devices created from it, and gpu.js never releases its device.
  const property = { value: dawn.create([]), configurable: true };
  if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(currentNavigator(), 'gpu', property);
}

/** Node 20 has no `navigator`, Node 22 has one without `gpu`. */
function currentNavigator(): { readonly gpu?: NavigatorGpu | undefined } {
  return (globalThis as { navigator?: { readonly gpu?: NavigatorGpu | undefined } }).navigator ?? {};
}

/**
 * Whether the dynamic linker finds the Vulkan loader, in its cache, default directories or `LD_LIBRARY_PATH`. Asks the
 * linker itself by loading the library as an add-on: if it is found, that fails later with a different error.
 */
function hasVulkanLoader(): boolean {
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    return !/cannot open shared object file|No such file|not found/i.test(String(error));
  }
  return true;
}
