import { access, readFile } from 'node:fs/promises';

/** WebGPU made available to this process, or the reason why it is not. */
export type WebGpuProbe =
  | { readonly available: true; readonly adapter: string; readonly maxBufferBytes: number }
  | { readonly available: false; readonly reason: string };

interface Adapter {
  readonly info: { readonly vendor: string; readonly device: string; readonly description: string };
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
}
interface NavigatorGpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** Where glibc and musl systems keep libraries that the linker's cache does not list. */
const LIBRARY_DIRS = ['/usr/lib', '/usr/lib64', '/lib', '/usr/local/lib'];

/**
 * Provides `navigator.gpu` from the `webgpu` package (Dawn), where Node has none, and asks for an adapter. Dawn prints
 * warnings when there is no Vulkan loader, so on Linux that is looked for first.
 */
export async function probeWebGpu(): Promise<WebGpuProbe> {
  const existing = currentNavigator().gpu;
  if (existing !== undefined) return describe(existing);
  if (process.platform === 'linux' && !(await hasVulkanLoader())) {
    return { available: false, reason: 'no Vulkan loader (libvulkan.so.1) is installed' };
  }
  let gpu: NavigatorGpu;
  try {
    const dawn = await import('webgpu');
    // gpu.js and WebGPU code in general expect the constants and classes as globals.
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
  // Stays for the life of the process, as a browser's does: Dawn's instance must outlive every device made from it, and
  // gpu.js keeps its device for good.
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
  if (adapter === null) return { available: false, reason: 'no WebGPU adapter answers' };
  const { vendor, device, description } = adapter.info;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return {
    available: true,
    adapter: description || [vendor, device].filter(Boolean).join(' ') || 'unnamed adapter',
    maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
  };
}

async function hasVulkanLoader(): Promise<boolean> {
  const cache = await readFile('/etc/ld.so.cache').catch(() => undefined);
  if (cache?.includes('libvulkan.so.1')) return true;
  for (const dir of LIBRARY_DIRS) {
    const found = await access(`${dir}/libvulkan.so.1`).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
