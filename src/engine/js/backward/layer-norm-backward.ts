import { LAYER_NORM_EPSILON } from '../../../weights/model-config.js';
import type { NormWeights } from '../../reference/layer-norm.js';

/**
 * The gradient of a layer norm with respect to its input. With `n = (x - mean) / s`, `s = sqrt(var + epsilon)` and
 * `g = dy * gamma`:
 *
 * `dx = (g - mean(g) - n * mean(g n)) / s`
 *
 * @param x `[rows, E]`, input of the norm
 * @param dy `[rows, E]`
 * @returns `[rows, E]`
 */
export function layerNormBackward(x: Float32Array, dy: Float32Array, { gamma }: NormWeights): Float32Array {
  const width = gamma.length;
  const dx = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += width) {
    let mean = 0;
    for (let i = 0; i < width; i++) mean += x[at + i]! / width;
    let variance = 0;
    for (let i = 0; i < width; i++) variance += (x[at + i]! - mean) ** 2 / width;
    const deviation = Math.sqrt(variance + LAYER_NORM_EPSILON);
    let meanG = 0;
    let meanGn = 0;
    for (let i = 0; i < width; i++) {
      const g = dy[at + i]! * gamma[i]!;
      meanG += g / width;
      meanGn += (g * (x[at + i]! - mean)) / deviation / width;
    }
    for (let i = 0; i < width; i++) {
      const normalised = (x[at + i]! - mean) / deviation;
      dx[at + i] = (dy[at + i]! * gamma[i]! - meanG - normalised * meanGn) / deviation;
    }
  }
  return dx;
}
