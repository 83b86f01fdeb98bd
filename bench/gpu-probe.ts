import { QuarryError } from '../src/errors/index.js';

/** A compute device of WebGPU, for measuring what it could do. */
export interface GpuProbe {
  /** What the driver calls itself. */
  readonly adapter: Readonly<Record<'vendor' | 'architecture' | 'device' | 'description', string>>;
  readonly features: readonly string[];
  /** Limits that decide how rows are split. */
  readonly limits: Readonly<Record<'maxBufferSize' | 'maxStorageBufferBindingSize', number>>;
  readonly hasF16: boolean;
  /** FLOPs per second of fused multiply-adds from registers; matrix units, which WGSL does not reach, are left out. */
  fmaPeak(precision: 'f32' | 'f16'): Promise<number>;
  /** Bytes per second of reading a buffer of this size. */
  readBandwidth(bytes: number): Promise<number>;
  close(): void;
}

const GROUP = 256;
const ACCUMULATORS = 8;
/** A measurement is long enough when it takes this long, milliseconds. */
const LONG_ENOUGH_MS = 30;
const REPEATS = 3;

/**
 * Opens the adapter that WebGPU offers first; `navigator.gpu` must be there, as `probeWebGpu` leaves it.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when there is no adapter
 */
export async function openGpuProbe(): Promise<GpuProbe> {
  const { gpu } = (globalThis as unknown as { navigator: { gpu: GPU } }).navigator;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new QuarryError('ENGINE_UNAVAILABLE', 'no WebGPU adapter answers');
  const { vendor, architecture, device: name, description } = adapter.info;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const hasF16 = adapter.features.has('shader-f16');
  const device = await adapter.requestDevice({
    requiredFeatures: hasF16 ? ['shader-f16'] : [],
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return {
    adapter: { vendor, architecture, device: name, description },
    features: [...adapter.features].sort(),
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    hasF16,
    fmaPeak: (precision) => fmaPeak(device, precision),
    readBandwidth: (bytes) => readBandwidth(device, Math.min(bytes, most)),
    close: () => device.destroy(),
  };
}

async function fmaPeak(device: GPUDevice, precision: 'f32' | 'f16'): Promise<number> {
  let steps = 64;
  let groups = 16;
  const out = device.createBuffer({ size: 4096 * GROUP * 4, usage: GPUBufferUsage.STORAGE });
  try {
    for (;;) {
      const run = compile(device, fmaSource(precision, steps), [out]);
      let best = await run(groups);
      if (best >= LONG_ENOUGH_MS || steps >= 2 ** 20) {
        for (let i = 0; i < REPEATS; i++) best = Math.min(best, await run(groups));
        return (groups * GROUP * steps * ACCUMULATORS * 4 * 2 * 1000) / best;
      }
      if (groups < 4096) groups *= 4;
      else steps *= 4;
    }
  } finally {
    out.destroy();
  }
}

function fmaSource(precision: 'f32' | 'f16', steps: number): string {
  const indices = Array.from({ length: ACCUMULATORS }, (_, i) => i);
  const type = `vec4<${precision}>`;
  return `${precision === 'f16' ? 'enable f16;' : ''}
    @group(0) @binding(0) var<storage, read_write> out: array<f32>;
    @compute @workgroup_size(${GROUP})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let start = ${precision}(id.x & 255u) * ${precision}(0.001);
      let factor = ${type}(${precision}(0.5) + start);
      ${indices.map((i) => `var a${i} = ${type}(start + ${precision}(${i}));`).join('\n')}
      for (var step = 0u; step < ${steps}u; step++) {
        ${indices.map((i) => `a${i} = fma(a${i}, factor, factor);`).join('\n')}
      }
      let sum = ${indices.map((i) => `a${i}`).join(' + ')};
      out[id.x] = f32(sum.x + sum.y + sum.z + sum.w);
    }`;
}

async function readBandwidth(device: GPUDevice, wanted: number): Promise<number> {
  const groups = 4096;
  const stride = groups * GROUP * 16;
  const bytes = Math.max(stride, Math.floor(wanted / stride) * stride);
  const data = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE });
  const out = device.createBuffer({ size: groups * GROUP * 4, usage: GPUBufferUsage.STORAGE });
  const source = `
    @group(0) @binding(0) var<storage, read_write> out: array<f32>;
    @group(0) @binding(1) var<storage, read> data: array<vec4<f32>>;
    @compute @workgroup_size(${GROUP})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      var sum = vec4<f32>();
      for (var at = id.x; at < ${bytes / 16}u; at += ${groups * GROUP}u) { sum += data[at]; }
      out[id.x] = sum.x + sum.y + sum.z + sum.w;
    }`;
  try {
    const run = compile(device, source, [out, data]);
    let passes = 1;
    for (;;) {
      let best = await run(groups, passes);
      if (best < LONG_ENOUGH_MS && passes < 4096) {
        passes *= 4;
        continue;
      }
      for (let i = 0; i < REPEATS; i++) best = Math.min(best, await run(groups, passes));
      return (bytes * passes * 1000) / best;
    }
  } finally {
    data.destroy();
    out.destroy();
  }
}

/** A compute shader over buffers, bound in order. Running it returns the time taken, milliseconds. */
function compile(
  device: GPUDevice,
  code: string,
  buffers: readonly GPUBuffer[],
): (groups: number, passes?: number) => Promise<number> {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return async (groups, passes = 1) => {
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < passes; i++) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(groups);
      pass.end();
    }
    const commands = encoder.finish();
    const began = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    const took = performance.now() - began;
    const error = await device.popErrorScope();
    if (error !== null) throw new QuarryError('ENGINE_FAILED', `a probe of the device failed: ${error.message}`);
    return took;
  };
}
