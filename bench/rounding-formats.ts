/** How the two sides of a product are rounded. */
export interface Rounding {
  /** @param x `[rows, width]` */
  inputs(x: Float32Array, width: number): Float32Array;
  /** @param weight `[rows, columns]` */
  weights(weight: Float32Array, columns: number): Float32Array;
}

/** The nearest bf16, ties to even. */
export const roundBf16: Rounding = { inputs: (x) => toBf16Values(x), weights: (weight) => toBf16Values(weight) };

/** int8 of 127 steps each way: a scale for each row of inputs, and for each column of weights. */
export const roundInt8: Rounding = {
  inputs(x, width) {
    const out = new Float32Array(x.length);
    for (let row = 0; row < x.length; row += width) roundRun(x, out, row, 1, width);
    return out;
  },
  weights(weight, columns) {
    const out = new Float32Array(weight.length);
    for (let column = 0; column < columns; column++) {
      roundRun(weight, out, column, columns, weight.length / columns);
    }
    return out;
  },
};

const STEPS = 127;

/** Rounds `count` values, `stride` apart, to multiples of their largest over 127. */
function roundRun(from: Float32Array, to: Float32Array, start: number, stride: number, count: number): void {
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, Math.abs(from[start + i * stride]!));
  const step = most / STEPS;
  if (step === 0) return;
  for (let i = 0; i < count; i++) {
    const at = start + i * stride;
    to[at] = Math.round(from[at]! / step) * step;
  }
}

function toBf16Values(x: Float32Array): Float32Array {
  const out = Float32Array.from(x);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    bits[i] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
  return out;
}
