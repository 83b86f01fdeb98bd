import { hasGpuDevice } from '../gpu-device.js';
import { hasVulkanDriver } from './vulkan-drivers.js';

/** The WebGPU adapter, or the reason why WebGPU is unavailable. */
export type WebGpuProbe =
  | {
      readonly available: true;
      readonly adapter: string;
      readonly maxBufferBytes: number;
      /** Whether the adapter is a software renderer: correct, but slower than native code on the processor. */
      readonly isSoftware: boolean;
    }
  | { readonly available: false; readonly reason: string };

/** Names of software renderers. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

interface Adapter {
  readonly info: {
    readonly vendor: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean | undefined;
  };
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
}
interface NavigatorGpu {
  requestAdapter(): Promise<Adapter | null>;
}

/**
 * Installs `navigator.gpu` from the `webgpu` package (Dawn) if Node lacks it, and requests an adapter. Without a Vulkan
 * loader or driver Dawn prints warnings, so on Linux checks for them first.
 */
export async function probeWebGpu(): Promise<WebGpuProbe> {
  const existing = currentNavigator().gpu;
  if (existing !== undefined) return describe(existing);
  if (process.platform === 'linux' && !hasVulkanLoader()) {
    return { available: false, reason: 'no Vulkan loader (libvulkan.so.1) is installed' };
  }
  if (process.platform === 'linux' && !hasGpuDevice() && !hasVulkanDriver()) {
    return { available: false, reason: 'the kernel shows no GPU in /dev, and no Vulkan driver is installed' };
  }
  let gpu: NavigatorGpu;
  try {
    const dawn = await import('webgpu');
    // WebGPU code such as gpu.js expects the constants and classes as globals.
    for (const [name, value] of Object.entries(dawn.globals)) {
      if (name in globalThis) continue;
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    gpu = dawn.create([]) as unknown as NavigatorGpu;
  } catch (error) {
    return {
      available: false,
      reason: `the webgpu package did not load: ${error instanceof Error ? error.message : error}`,
    };
  }
  // Never removed: Dawn's instance must outlive all devices created from it, and gpu.js never releases its device.
  const property = { value: gpu, configurable: true };
  if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(currentNavigator(), 'gpu', property);
  return describe(gpu);
}

/** Node 20 has no `navigator`, Node 22 has one without `gpu`. */
function currentNavigator(): { readonly gpu?: NavigatorGpu | undefined } {
  return (globalThis as { navigator?: { readonly gpu?: NavigatorGpu | undefined } }).navigator ?? {};
}

async function describe(gpu: NavigatorGpu): Promise<WebGpuProbe> {
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return { available: false, reason: 'no WebGPU adapter is available' };
  const { vendor, device, description, isFallbackAdapter } = adapter.info;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return {
    available: true,
    adapter: description || [vendor, device].filter(Boolean).join(' ') || 'unnamed adapter',
    maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
    isSoftware: isFallbackAdapter === true || SOFTWARE.test(`${vendor} ${device} ${description}`),
  };
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
