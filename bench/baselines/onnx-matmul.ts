import { GraphBuilder } from '../../src/engine/onnx/graph-builder.js';
import { encodeOnnxModel, ONNX_TYPE } from '../../src/engine/onnx/onnx-proto.js';
import { toQuarryError } from '../../src/errors/index.js';
import type { PeerTime, Skipped } from './peer-process.js';

/** onnxruntime's f32 MatMul on the CPU, weights as an initialiser so that it may pack them, its result checked first. */
export async function onnxMatmul(
  m: number,
  n: number,
  k: number,
  threads: number,
  repeats: number,
  tolerance: number,
): Promise<PeerTime | Skipped> {
  try {
    process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
    const ort = await import('onnxruntime-node');
    const left = values(m * k, 37);
    const right = values(k * n, 41);
    const graph = new GraphBuilder();
    const b = graph.tensor({
      name: 'b',
      type: ONNX_TYPE.FLOAT,
      shape: [k, n],
      data: new Uint8Array(right.buffer),
    });
    graph.output(graph.op('MatMul', ['a', b]), 'c');
    const model = encodeOnnxModel(
      graph.build(
        'matmul',
        [{ name: 'a', type: ONNX_TYPE.FLOAT, shape: [m, k] }],
        [{ name: 'c', type: ONNX_TYPE.FLOAT, shape: [m, n] }],
      ),
    );
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    try {
      const a = new ort.Tensor('float32', left, [m, k]);
      const { c } = await session.run({ a });
      const error = productError(c!.data as Float32Array, left, right, [m, n, k]);
      c!.dispose();
      if (!(error <= tolerance)) return { skipped: `its result is wrong: error ${error.toExponential(1)}` };
      let seconds = Infinity;
      for (let repeat = 0; repeat < repeats; repeat++) {
        const begin = performance.now();
        const result = await session.run({ a });
        seconds = Math.min(seconds, (performance.now() - begin) / 1000);
        result['c']!.dispose();
      }
      return { seconds, error, version: ort.env.versions.node ?? '' };
    } finally {
      await session.release();
    }
  } catch (error) {
    return { skipped: toQuarryError(error, 'onnxruntime-node').message };
  }
}

/** Numbers of both signs in [-0.5, 0.5]. */
function values(count: number, step: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => ((i * step) % 101) / 101 - 0.5);
}

/** Largest error of some elements of a product against f64, relative to the sum of absolute products. */
function productError(
  c: Float32Array,
  a: Float32Array,
  b: Float32Array,
  [m, n, k]: readonly [number, number, number],
): number {
  let worst = 0;
  for (let probe = 0; probe < 256; probe++) {
    const [row, column] = [(probe * 7919) % m, (probe * 104_729) % n];
    let sum = 0;
    let size = 0;
    for (let i = 0; i < k; i++) {
      const term = a[row * k + i]! * b[i * n + column]!;
      sum += term;
      size += Math.abs(term);
    }
    worst = Math.max(worst, Math.abs(c[row * n + column]! - sum) / size);
  }
  return worst;
}
