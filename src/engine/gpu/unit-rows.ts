import type { EmbeddingRows } from '../contract.js';
import { rowAsF32 } from '../embedding-rows.js';
import { norm } from '../reference/competition.js';

/** Rows with a norm outside this range are left to the CPU: f32 kernels could not divide by it safely. */
const SAFE_NORM = { least: 1e-15, most: 1e15 };

/** Rows transposed together, which write one cache line of the output at a time. */
const TILE = 16;

/** A block of rows in the layout of the kernels. */
export interface UnitRows {
  /** `[dim, width]`: feature-major, so that neighbouring threads read neighbouring values. Rows have unit length. */
  readonly data: Float32Array;
  readonly count: number;
  /** Columns: `count` rows, then zero padding. */
  readonly width: number;
  /** Rows with a norm outside of {@link SAFE_NORM}; their columns are zero. Zero rows are not listed. */
  readonly odd: readonly number[];
}

/** Scales rows `[first, first + count)` to unit length and transposes them into as many columns, or more. */
export function unitRows(rows: EmbeddingRows, first: number, count: number, width = count): UnitRows {
  const { dim } = rows;
  const data = new Float32Array(dim * width);
  const scratch = Array.from({ length: TILE }, () => new Float32Array(dim));
  const odd: number[] = [];
  for (let tile = 0; tile < count; tile += TILE) {
    const size = Math.min(TILE, count - tile);
    const vectors = scratch.slice(0, size).map((buffer, r) => rowAsF32(rows, first + tile + r, buffer));
    const scales = vectors.map((vector, r) => {
      const length = norm(vector);
      if (length >= SAFE_NORM.least && length <= SAFE_NORM.most) return 1 / length;
      if (length !== 0) odd.push(first + tile + r);
      return 0;
    });
    for (const [r, vector] of vectors.entries()) {
      const scale = scales[r]!;
      if (scale === 0) continue;
      for (let i = 0; i < dim; i++) data[i * width + tile + r] = vector[i]! * scale;
    }
  }
  return { data, count, width, odd };
}
