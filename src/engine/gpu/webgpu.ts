/** WebGPU made available to this process, or the reason why it is not. */
export type WebGpuProbe =
  | {
      readonly available: true;
      readonly adapter: string;
      readonly maxBufferBytes: number;
      /** Whether the adapter is a program on the processor: correct, and slower than the processor's own code. */
      readonly isSoftware: boolean;
    }
  | { readonly available: false; readonly reason: string };

/** Names of drivers that compute on the processor. */
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
 * Provides `navigator.gpu` from the `webgpu` package (Dawn), where Node has none, and asks for an adapter. Dawn prints
 * warnings when there is no Vulkan loader, so on Linux that is looked for first.
 */
export async function probeWebGpu(): Promise<WebGpuProbe> {
  const existing = currentNavigator().gpu;
  if (existing !== undefined) return describe(existing);
  if (process.platform === 'linux' && !hasVulkanLoader()) {
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
 * Whether the dynamic loader finds the Vulkan loader: by its cache, its own directories or `LD_LIBRARY_PATH`. It is asked
 * itself, by loading the library as if it were an add-on, which fails later and otherwise.
 */
function hasVulkanLoader(): boolean {
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
  } catch (error) {
    return !/cannot open shared object file|No such file|not found/i.test(String(error));
  }
  return true;
}
