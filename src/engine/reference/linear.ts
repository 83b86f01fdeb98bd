/** Weights of `y = x W + b`. */
export interface LinearWeights {
  /** `[in, out]`, row-major. */
  readonly weight: Float32Array;
  /** `[out]`. */
  readonly bias: Float32Array;
}

/** Rows computed together, so that a row of weights read once serves several. */
const ROW_BLOCK = 4;

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
  const sums = new Float64Array(ROW_BLOCK * output);
  for (let row = 0; row < rows; row += ROW_BLOCK) {
    const block = Math.min(ROW_BLOCK, rows - row);
    for (let r = 0; r < block; r++) sums.set(bias, r * output);
    if (block === ROW_BLOCK) addFourRows(sums, x, row * input, weight, input, output);
    else for (let r = 0; r < block; r++) addRow(sums, r * output, x, (row + r) * input, weight, input, output);
    y.set(sums.subarray(0, block * output), row * output);
  }
  return y;
}

function addRow(
  sums: Float64Array,
  sumsAt: number,
  x: Float32Array,
  xAt: number,
  weight: Float32Array,
  input: number,
  output: number,
): void {
  for (let k = 0; k < input; k++) {
    const value = x[xAt + k]!;
    const at = k * output;
    for (let j = 0; j < output; j++) sums[sumsAt + j] = sums[sumsAt + j]! + value * weight[at + j]!;
  }
}

function addFourRows(
  sums: Float64Array,
  x: Float32Array,
  xAt: number,
  weight: Float32Array,
  input: number,
  output: number,
): void {
  const s0 = sums.subarray(0, output);
  const s1 = sums.subarray(output, 2 * output);
  const s2 = sums.subarray(2 * output, 3 * output);
  const s3 = sums.subarray(3 * output, 4 * output);
  for (let k = 0; k < input; k++) {
    const x0 = x[xAt + k]!;
    const x1 = x[xAt + input + k]!;
    const x2 = x[xAt + 2 * input + k]!;
    const x3 = x[xAt + 3 * input + k]!;
    const at = k * output;
    for (let j = 0; j < output; j++) {
      const w = weight[at + j]!;
      s0[j] = s0[j]! + x0 * w;
      s1[j] = s1[j]! + x1 * w;
      s2[j] = s2[j]! + x2 * w;
      s3[j] = s3[j]! + x3 * w;
    }
  }
}
