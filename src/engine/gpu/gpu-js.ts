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

/** Rows per thread of {@link hitKernel}. */
export const TILE_ROWS = 4;
/** Maximum targets per thread; rows times targets are the bits of a mask, which f32 must represent exactly. */
export const TILE_TARGETS = 6;

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

/**
 * Which rows reach the minimum dot product of which targets. A thread loads each value of four rows and `n` targets once
 * for `4 n` products and returns a bit mask: bit `r * n + t` for row `x + r * width` and target `y * n + t`.
 *
 * Inputs: rows `[dim, 4 * width]`, targets `[dim, n * height]`, minimum per target `[n * height]`. Output:
 * `[height, width]`.
 *
 * @param n targets per thread, at most {@link TILE_TARGETS}
 */
export function hitKernel(gpu: GpuJs, n: number): GpuKernel {
  const rows = Array.from({ length: TILE_ROWS }, (_, r) => r);
  const targets = Array.from({ length: n }, (_, t) => t);
  const pairs = rows.flatMap((r) => targets.map((t) => ({ sum: `s${r}t${t}`, r, t })));
  const source = `function hits(rows, targets, least, dim) {
    ${pairs.map(({ sum }) => `let ${sum} = 0;`).join('\n')}
    for (let i = 0; i < dim; i++) {
      ${rows.map((r) => `const r${r} = rows[i][this.thread.x + ${r} * this.output.x];`).join('\n')}
      ${targets.map((t) => `const t${t} = targets[i][this.thread.y * ${n} + ${t}];`).join('\n')}
      ${pairs.map(({ sum, r, t }) => `${sum} += r${r} * t${t};`).join('\n')}
    }
    let mask = 0;
    ${targets.map((t) => `const l${t} = least[this.thread.y * ${n} + ${t}];`).join('\n')}
    ${pairs.map(({ sum, t }, bit) => `if (${sum} >= l${t}) { mask += ${2 ** bit}; }`).join('\n')}
    return mask;
  }`;
  return gpu.createKernel(source, { ...SETTINGS, output: [1, 1], loopMaxIterations: 1 << 20 });
}

/** Copies a `[dim, rows]` matrix to a buffer that stays on the device. */
export function uploadKernel(gpu: GpuJs): GpuKernel {
  const source = 'function upload(rows) { return rows[this.thread.y][this.thread.x]; }';
  return gpu.createKernel(source, { ...SETTINGS, output: [1, 1], pipeline: true, immutable: true });
}
