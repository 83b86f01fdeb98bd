import type { EmbeddingRows, TargetMatrix } from '../src/engine/contract.js';
import { toBf16 } from '../src/engine/embedding-rows.js';
import { normalArray } from '../src/engine/reference/index.js';

/** Width of a V1 embedding. */
export const DIM = 2048;

/** Gaussian numbers that rows are windows of. */
export function rowBlock(format: 'bf16' | 'f32'): Uint16Array | Float32Array {
  const f32 = normalArray(1n, 2 ** 20);
  return format === 'bf16' ? toBf16(f32) : f32;
}

/** Rows with the statistics of embeddings: windows at shifting places of one block. `python_peers.py` makes the same. */
export function makeRows(count: number, format: 'bf16' | 'f32'): EmbeddingRows {
  const source = rowBlock(format);
  const data = format === 'bf16' ? new Uint16Array(count * DIM) : new Float32Array(count * DIM);
  for (let row = 0; row < count; row++) {
    const from = (row * 7919) % (source.length - DIM);
    data.set(source.subarray(from, from + DIM), row * DIM);
  }
  return { data, rows: count, dim: DIM };
}

/** Random targets with one threshold. */
export function makeTargets(count: number, threshold: number): TargetMatrix {
  return {
    data: normalArray(2n, count * DIM),
    thresholds: new Float32Array(count).fill(threshold),
    targets: count,
    dim: DIM,
  };
}
