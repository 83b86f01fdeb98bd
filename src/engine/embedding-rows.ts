import { QuarryError } from '../errors/index.js';
import type { EmbeddingRows, ScanOptions, TargetMatrix } from './contract.js';

/**
 * Checks the arguments of a scan.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a length disagrees with its shape, or the widths differ
 * @throws QuarryError `INVALID_ARGUMENT` when `limit` is not a positive integer or `margin` is not finite
 */
export function assertScanArguments(rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): void {
  expectLength('rows.data', rows.data.length, rows.rows * rows.dim);
  expectLength('targets.data', targets.data.length, targets.targets * targets.dim);
  expectLength('targets.thresholds', targets.thresholds.length, targets.targets);
  expectLength('targets.dim', targets.dim, rows.dim);
  const { limit = 1, margin = 0 } = options;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new QuarryError('INVALID_ARGUMENT', `"limit" expected a positive integer, got ${limit}`);
  }
  if (!Number.isFinite(margin))
    throw new QuarryError('INVALID_ARGUMENT', `"margin" expected a finite number, got ${margin}`);
}

function expectLength(name: string, got: number, expected: number): void {
  if (got !== expected) throw new QuarryError('INVALID_ARGUMENT', `"${name}" expected ${expected}, got ${got}`);
}

/**
 * One row as f32. f32 rows share the matrix's memory; bf16 rows are widened into `scratch`.
 *
 * @param scratch `[dim]`, overwritten by the next call
 * @returns `[dim]`
 */
export function rowAsF32(rows: EmbeddingRows, row: number, scratch: Float32Array): Float32Array {
  const { data, dim } = rows;
  if (data instanceof Float32Array) return data.subarray(row * dim, (row + 1) * dim);
  const bits = new Uint32Array(scratch.buffer, scratch.byteOffset, dim);
  for (let i = 0; i < dim; i++) bits[i] = data[row * dim + i]! << 16;
  return scratch;
}

/** bf16 of an f32, rounded to nearest even: the high half of its bits. NaN stays NaN. */
export function toBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}
