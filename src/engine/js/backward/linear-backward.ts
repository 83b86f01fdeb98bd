import type { LinearWeights } from '../../reference/linear.js';
import { dot } from '../dot.js';

/**
 * The gradient of `y = x W + b` with respect to `x`: `dx = dy W^T`, accumulated in f64. Weights are constants here.
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
    for (let k = 0; k < input; k++) dx[row * input + k] = dot(dy, row * output, weight, k * output, output);
  }
  return dx;
}
