const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Beyond this, `1 - erf(x)` is below half an ulp of 1 in f64. */
const ERF_SATURATES_AT = 6;

/**
 * The error function in f64, by the series of positive terms
 * `erf(x) = 2/sqrt(pi) * exp(-x^2) * sum 2^n x^(2n+1) / (1 * 3 * ... * (2n+1))` (Abramowitz and Stegun 7.1.6).
 * Accurate to a few ulp for every x.
 */
export function erf(x: number): number {
  if (Math.abs(x) >= ERF_SATURATES_AT) return Math.sign(x);
  const square = 2 * x * x;
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
    term *= square / odd;
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}

/** The exact GELU in place, `x/2 * (1 + erf(x / sqrt(2)))`; not its tanh approximation. */
export function gelu(x: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    x[i] = 0.5 * value * (1 + erf(value * Math.SQRT1_2));
  }
}
