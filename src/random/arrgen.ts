import { ChaCha12 } from './chacha12.js';
import { ZIGGURAT_NORMAL_F, ZIGGURAT_NORMAL_R, ZIGGURAT_NORMAL_X } from './ziggurat-tables.js';

const X = Float64Array.from(ZIGGURAT_NORMAL_X);
const F = Float64Array.from(ZIGGURAT_NORMAL_F);

/**
 * Normally distributed numbers from a new generator, one draw per element in row-major order (`normal_array` of
 * upstream `arrgen/src/lib.rs`). Bit-identical to the network, which uses them for SIGReg noise and target embeddings.
 *
 * @param seed u64; taken modulo 2^64
 * @param length elements to draw
 * @returns f32 `[length]`: `f32(mean) + f32(std) * f32(z)`, each step rounded to f32
 */
export function normalArray(seed: bigint, length: number, mean = 0, std = 1): Float32Array {
  const rng = ChaCha12.fromSeed(seed);
  const values = new Float32Array(length);
  const m = Math.fround(mean);
  const s = Math.fround(std);
  for (let i = 0; i < length; i++) values[i] = m + Math.fround(s * Math.fround(standardNormal(rng)));
  return values;
}

/**
 * Uniformly distributed numbers in `[min, max)` from a new generator, in row-major order. Bit-identical to
 * `uniform_array` of upstream `arrgen/src/lib.rs`.
 *
 * @param seed u64; taken modulo 2^64
 * @param length elements to draw
 * @returns f32 `[length]`
 */
export function uniformArray(seed: bigint, length: number, min: number, max: number): Float32Array {
  const rng = ChaCha12.fromSeed(seed);
  const low = Math.fround(min);
  const high = Math.fround(max);
  let scale = Math.fround(high - low);
  // The largest draw is 1 - 2^-23; it must not round up past the upper edge.
  while (Math.fround(Math.fround(scale * (1 - 2 ** -23)) + low) > high) scale = floatBelow(scale);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    values[i] = Math.fround((rng.nextWord() >>> 9) * 2 ** -23 * scale) + low;
  }
  return values;
}

/** One draw of the standard normal distribution by the 256-layer ziggurat of rand_distr 0.5, in f64. */
function standardNormal(rng: ChaCha12): number {
  for (;;) {
    const low = rng.nextWord();
    const high = rng.nextWord();
    // The low 8 bits select the layer, the top 52 give a number in [-1, 1).
    const layer = low & 255;
    const u = (high * 2 ** 20 + (low >>> 12)) * 2 ** -51 - 1;
    const x = u * X[layer]!;
    if (Math.abs(x) < X[layer + 1]!) return x;
    if (layer === 0) return normalTail(rng, u < 0);
    const upper = F[layer + 1]!;
    if (upper + (F[layer]! - upper) * unit53(rng) < Math.exp((-x * x) / 2)) return x;
  }
}

/** A draw from beyond the last layer's edge. */
function normalTail(rng: ChaCha12, negative: boolean): number {
  for (;;) {
    const a = Math.log(open01(rng)) / ZIGGURAT_NORMAL_R;
    const c = Math.log(open01(rng));
    if (!(-2 * c < a * a)) return negative ? a - ZIGGURAT_NORMAL_R : ZIGGURAT_NORMAL_R - a;
  }
}

/** 53 random bits as a number in [0, 1). */
function unit53(rng: ChaCha12): number {
  const low = rng.nextWord();
  return (rng.nextWord() * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

/** 52 random bits as a number in (0, 1): the fraction of a double in [1, 2), less `1 - 2^-53`. */
function open01(rng: ChaCha12): number {
  const low = rng.nextWord();
  return (rng.nextWord() * 2 ** 20 + (low >>> 12)) * 2 ** -52 + 2 ** -53;
}

/** The next f32 below a positive `value`. */
function floatBelow(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = bits[0]! - 1;
  return new Float32Array(bits.buffer)[0]!;
}
