import { erf } from '../../reference/gelu.js';

const INVERSE_SQRT_TWO_PI = 1 / Math.sqrt(2 * Math.PI);

/** The derivative of the exact GELU `x P(x)`: `P(x) + x p(x)`, with the standard normal's distribution and density. */
function geluDerivative(x: number): number {
  return 0.5 * (1 + erf(x * Math.SQRT1_2)) + x * INVERSE_SQRT_TWO_PI * Math.exp((-x * x) / 2);
}

/**
 * Turns the gradient with respect to `GELU(x)` into that with respect to `x`, in place.
 *
 * @param x input of the GELU
 * @param gradient as long as `x`
 */
export function geluBackward(x: Float32Array, gradient: Float32Array): void {
  for (let i = 0; i < x.length; i++) gradient[i] = gradient[i]! * geluDerivative(x[i]!);
}
