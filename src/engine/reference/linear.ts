/** Weights of `y = x W + b`. */
export interface LinearWeights {
  /** `[in, out]`, row-major. */
  readonly weight: Float32Array;
  /** `[out]`. */
  readonly bias: Float32Array;
}

/**
 * `y = x W + b`, accumulated in f64 and rounded once to f32.
 *
 * @param x `[rows, in]`
 * @returns `[rows, out]`
 */
export function linear(x: Float32Array, { weight, bias }: LinearWeights): Float32Array {
  const output = bias.length;
  const input = weight.length / output;
  const rows = x.length / input;
  const y = new Float32Array(rows * output);
  for (let row = 0; row < rows; row++) {
    const sums = Float64Array.from(bias);
    for (let k = 0; k < input; k++) {
      const xk = x[row * input + k]!;
      for (let j = 0; j < output; j++) sums[j] = sums[j]! + xk * weight[k * output + j]!;
    }
    y.set(sums, row * output);
  }
  return y;
}
