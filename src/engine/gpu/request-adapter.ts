/** The WebGPU adapter, or the reason why WebGPU is unavailable. */
export type WebGpuProbe =
  | {
      readonly available: true;
      readonly adapter: string;
      readonly maxBufferBytes: number;
      /** Whether the adapter is a software renderer: correct, but slower than native code on the processor. */
      readonly isSoftware: boolean;
    }
  | {
      readonly available: false;
      readonly reason: string;
      /** What to do about it; absent if a graphics driver must be installed. */
      readonly cure?: string | undefined;
    };

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
  requestDevice(): Promise<{ destroy(): void }>;
}

/** The part of `navigator.gpu` that we use. */
export interface NavigatorGpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** What to do about a driver that hangs or crashes. */
export const DRIVER_CURE =
  "restart the machine, or reinstall the GPU's driver; until then everything runs on the processor";

/** The outcome of a request that was not answered in time. */
export function unansweredAfter(timeoutMs: number): WebGpuProbe {
  const reason = `the graphics driver did not answer a request for a WebGPU adapter within ${timeoutMs / 1000} s`;
  return { available: false, reason, cure: DRIVER_CURE };
}

/**
 * Requests an adapter and a device of it. Never rejects. Takes as long as the graphics driver: if that hangs, so does the
 * calling thread, because Dawn waits on it.
 */
export async function requestAdapter(gpu: NavigatorGpu): Promise<WebGpuProbe> {
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return { available: false, reason: 'no WebGPU adapter is available' };
  const { vendor, device, description, isFallbackAdapter } = adapter.info;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const name = description || [vendor, device].filter(Boolean).join(' ') || 'unnamed adapter';
  try {
    (await adapter.requestDevice()).destroy();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { available: false, reason: `the WebGPU adapter ${name} gives no device: ${why}` };
  }
  return {
    available: true,
    adapter: name,
    maxBufferBytes: Math.min(maxBufferSize, maxStorageBufferBindingSize),
    isSoftware: isFallbackAdapter === true || SOFTWARE.test(`${vendor} ${device} ${description}`),
  };
}
