/** Hard-coded in the encoder layers, whatever the model's configuration says (`models/src/v1/modules/layer.rs`). */
const ROPE_MAX_WAVELENGTH = 10_000;

/** Sine and cosine of every rotation of a chunk, `[T, D / 2]` each. Shared by all heads, layers and models. */
export interface RopeTable {
  readonly sin: Float32Array;
  readonly cos: Float32Array;
}

/**
 * The f32 timescales `10000 ^ (2i / D)`, correctly rounded, `[D / 2]`.
 *
 * @param headDim D, even
 */
export function ropeTimescales(headDim: number): Float32Array {
  const timescales = new Float32Array(headDim / 2);
  for (let i = 0; i < timescales.length; i++) {
    timescales[i] = ROPE_MAX_WAVELENGTH ** Math.fround((2 * i) / headDim);
  }
  return timescales;
}

/**
 * Rotations for the given positions. The angle is a single f32 division of the global position by the f32 timescale;
 * its rounding error, up to 0.1 rad at the end of a 1 MiB sample, is part of the result.
 *
 * @param positions `[T]`, global byte offsets
 * @param headDim D, even
 */
export function ropeTable(positions: ArrayLike<number>, headDim: number): RopeTable {
  const timescales = ropeTimescales(headDim);
  const half = timescales.length;
  const sin = new Float32Array(positions.length * half);
  const cos = new Float32Array(positions.length * half);
  for (let t = 0; t < positions.length; t++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(Math.fround(positions[t]!) / timescales[i]!);
      sin[t * half + i] = Math.sin(angle);
      cos[t * half + i] = Math.cos(angle);
    }
  }
  return { sin, cos };
}

/**
 * Rotates feature pairs `i` and `i + D/2` in place, by an angle that depends on position and `i`.
 *
 * @param x `[T, A, D]`
 * @param headDim D
 */
export function applyRope(x: Float32Array, { sin, cos }: RopeTable, headDim: number): void {
  const half = headDim / 2;
  const positions = sin.length / half;
  const width = x.length / positions;
  for (let t = 0; t < positions; t++) {
    for (let head = t * width; head < (t + 1) * width; head += headDim) {
      for (let i = 0; i < half; i++) {
        const s = sin[t * half + i]!;
        const c = cos[t * half + i]!;
        const a = x[head + i]!;
        const b = x[head + half + i]!;
        x[head + i] = a * c - b * s;
        x[head + half + i] = b * c + a * s;
      }
    }
  }
}
