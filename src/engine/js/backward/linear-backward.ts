import type { LinearWeights } from '../../reference/linear.js';

/**
 * The gradient of `y = x W + b` with respect to its input: `dx = dy W^T`, accumulated in f64. Weights get none: they are
 * given.
 *
 * @param dy `[rows, out]`
 * @returns `[rows, in]`
 */
export function linearBackward(dy: Float32Array, { weight, bias }: LinearWeights): Float32Array {
  const output = bias.length;
  const input = weight.length / output;
  const rows = dy.length / output;
  const dx = new Float32Array(rows * input);
  for (let row = 0; row < rows; row++) {
    const from = dy.subarray(row * output, (row + 1) * output);
    for (let k = 0; k < input; k++) dx[row * input + k] = dot(from, weight, k * output);
  }
  return dx;
}

/** Product of `a` with as many numbers of `b` from `at` on; four sums, so that no addition waits for the one before. */
function dot(a: Float32Array, b: Float32Array, at: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const even = a.length & ~3;
  for (let i = 0; i < even; i += 4) {
    s0 += a[i]! * b[at + i]!;
    s1 += a[i + 1]! * b[at + i + 1]!;
    s2 += a[i + 2]! * b[at + i + 2]!;
    s3 += a[i + 3]! * b[at + i + 3]!;
  }
  for (let i = even; i < a.length; i++) s0 += a[i]! * b[at + i]!;
  return s0 + s1 + (s2 + s3);
}
