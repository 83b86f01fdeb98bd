import { LAYER_NORM_EPSILON } from '../../weights/model-config.js';

/** Scale and shift of a layer norm, `[E]` each. */
export interface NormWeights {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
}

/**
 * `y = (x - mean) / sqrt(var + epsilon) * gamma + beta` over the last axis, with biased two-pass variance and epsilon
 * 1e-5 inside the root.
 *
 * @param x `[rows, E]`
 * @returns `[rows, E]`
 */
export function layerNorm(x: Float32Array, { gamma, beta }: NormWeights): Float32Array {
  const width = gamma.length;
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += x[at + i]!;
    // Sums that overflow f32 become infinite, as in the network.
    const mean = Math.fround(sum) / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[at + i]! - mean) ** 2;
    const deviation = Math.sqrt(Math.fround(squares) / width + LAYER_NORM_EPSILON);
    for (let i = 0; i < width; i++) y[at + i] = ((x[at + i]! - mean) / deviation) * gamma[i]! + beta[i]!;
  }
  return y;
}
