import type { LinearWeights } from '../reference/linear.js';

/**
 * `y = x W + b`, accumulated in f64 and rounded once to f32; two rows at a time.
 *
 * @param x `[rows, in]`
 * @returns `[rows, out]`
 */
export function linear(x: Float32Array, { weight, bias }: LinearWeights): Float32Array {
  const output = bias.length;
  const input = weight.length / output;
  const rows = x.length / input;
  const y = new Float32Array(rows * output);
  const sums = new Float64Array(2 * output);
  for (let row = 0; row < rows; row += 2) {
    // Two rows share each read of a weight. With an odd number, the last row is computed twice.
    const second = Math.min(row + 1, rows - 1);
    sums.set(bias, 0);
    sums.set(bias, output);
    addRows(sums, x, row * input, second * input, weight, input, output);
    y.set(sums.subarray(0, output), row * output);
    y.set(sums.subarray(output), second * output);
  }
  return y;
}

/**
 * Adds the products of two rows of `x`, four inputs at a time, so that sums are read and written a quarter as often.
 */
function addRows(
  sums: Float64Array,
  x: Float32Array,
  xAt: number,
  yAt: number,
  weight: Float32Array,
  input: number,
  output: number,
): void {
  let k = 0;
  for (; k + 4 <= input; k += 4) {
    const x0 = x[xAt + k]!;
    const x1 = x[xAt + k + 1]!;
    const x2 = x[xAt + k + 2]!;
    const x3 = x[xAt + k + 3]!;
    const y0 = x[yAt + k]!;
    const y1 = x[yAt + k + 1]!;
    const y2 = x[yAt + k + 2]!;
    const y3 = x[yAt + k + 3]!;
    const at = k * output;
    for (let j = 0; j < output; j++) {
      const w0 = weight[at + j]!;
      const w1 = weight[at + output + j]!;
      const w2 = weight[at + 2 * output + j]!;
      const w3 = weight[at + 3 * output + j]!;
      sums[j] = sums[j]! + (x0 * w0 + x1 * w1 + (x2 * w2 + x3 * w3));
      sums[output + j] = sums[output + j]! + (y0 * w0 + y1 * w1 + (y2 * w2 + y3 * w3));
    }
  }
  for (; k < input; k++) {
    const x0 = x[xAt + k]!;
    const y0 = x[yAt + k]!;
    for (let j = 0; j < output; j++) {
      const w = weight[k * output + j]!;
      sums[j] = sums[j]! + x0 * w;
      sums[output + j] = sums[output + j]! + y0 * w;
    }
  }
}
