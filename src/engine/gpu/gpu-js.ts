/** gpu.js backends that run in Node. */
export type GpuMode = 'webgpu' | 'webasm' | 'cpu';

/** The part of the gpu.js API that we use; its own types cover only the synchronous modes. */
export interface GpuJs {
  createKernel(source: string, settings: Record<string, unknown>): GpuKernel;
  destroy(): Promise<void>;
}

/** A compiled kernel. Its output size may change between calls. */
export interface GpuKernel {
  (...args: unknown[]): Promise<unknown>;
  setOutput(output: readonly number[]): GpuKernel;
}

interface GpuJsModule {
  readonly GPU: new (settings: { mode: GpuMode }) => GpuJs;
  input(value: Float32Array, size: readonly number[]): unknown;
}

/** Loads gpu.js lazily: it is large and probes its environment on load. */
export async function loadGpuJs(): Promise<GpuJsModule> {
  const loaded = (await import('gpu.js')) as unknown as { default?: GpuJsModule | undefined } & GpuJsModule;
  return loaded.default ?? loaded;
}

const SETTINGS = { asyncMode: true, dynamicOutput: true, dynamicArguments: true, strictIntegers: true };

/**
 * Dot products of unit rows and unit targets: `[targets, rows]` from rows `[dim, rows]` and targets `[targets, dim]`.
 */
export function dotKernel(gpu: GpuJs): GpuKernel {
  const source = `function dot(rows, targets, dim) {
    let sum = 0;
    for (let i = 0; i < dim; i++) {
      sum += rows[i][this.thread.x] * targets[this.thread.y][i];
    }
    return sum;
  }`;
  return gpu.createKernel(source, { ...SETTINGS, output: [1, 1], loopMaxIterations: 1 << 20 });
}

/** Copies a `[dim, rows]` matrix to a buffer that stays on the device. */
export function uploadKernel(gpu: GpuJs): GpuKernel {
  const source = 'function upload(rows) { return rows[this.thread.y][this.thread.x]; }';
  return gpu.createKernel(source, { ...SETTINGS, output: [1, 1], pipeline: true, immutable: true });
}
