import { GraphBuilder } from '../../src/engine/onnx/graph-builder.js';
import { encodeOnnxModel, ONNX_TYPE } from '../../src/engine/onnx/onnx-proto.js';
import { toQuarryError } from '../../src/errors/index.js';

/** Best seconds of onnxruntime's f32 MatMul on the CPU, weights as an initialiser so that it may pack them. */
export async function onnxMatmulSeconds(
  m: number,
  n: number,
  k: number,
  threads: number,
  repeats: number,
): Promise<number | { readonly skipped: string }> {
  try {
    const ort = await import('onnxruntime-node');
    const values = (count: number): Float32Array =>
      Float32Array.from({ length: count }, (_, i) => ((i * 37) % 101) / 101);
    const graph = new GraphBuilder();
    const b = graph.tensor({
      name: 'b',
      type: ONNX_TYPE.FLOAT,
      shape: [k, n],
      data: new Uint8Array(values(k * n).buffer),
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
    const a = new ort.Tensor('float32', values(m * k), [m, k]);
    let best = Infinity;
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const begin = performance.now();
      const { c } = await session.run({ a });
      if (repeat > 0) best = Math.min(best, (performance.now() - begin) / 1000);
      c?.dispose();
    }
    await session.release();
    return best;
  } catch (error) {
    return { skipped: toQuarryError(error, 'onnxruntime-node').message };
  }
}
