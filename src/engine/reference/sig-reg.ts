import { normalArray } from '../../random/arrgen.js';
import { linear } from './linear.js';

/** The network's constants of the SIGReg loss (`models/src/v1/modules/sig_reg.rs`). */
export const SIG_REG = { tMax: 3, points: 17, slices: 256, coefficient: 0.02 } as const;

/** The part of {@link SIG_REG} used in the computation. */
export interface SigRegShape {
  readonly tMax: number;
  readonly points: number;
  readonly slices: number;
}

/**
 * Scales every column of raw noise to unit length.
 *
 * @param noise `[E, S]`
 * @param slices S
 * @returns `[E, S]`
 */
export function projectionFromNoise(noise: Float32Array, slices: number): Float32Array {
  const norms = new Float64Array(slices);
  for (let i = 0; i < noise.length; i++) norms[i % slices] = norms[i % slices]! + noise[i]! * noise[i]!;
  return noise.map((value, i) => value / Math.sqrt(norms[i % slices]!));
}

/**
 * The projection of one batch: noise of shape `[embeddingDim, 256]`, with normalised columns.
 *
 * @param seed the sample's seed plus the batch index; wraps at 2^64
 */
export function batchProjection(seed: bigint, embeddingDim: number): Float32Array {
  return projectionFromNoise(normalArray(seed, embeddingDim * SIG_REG.slices), SIG_REG.slices);
}

/**
 * SIGReg summed over positions, without its coefficient. For each position, the distance between the empirical
 * characteristic function of its S projections and that of the standard normal, integrated over `t` in `[0, 3]`.
 * Positions are independent, PAD counts, and the caller divides by the number of positions.
 *
 * @param representations `[T, E]`
 * @param projection `[E, S]`, columns of unit length
 */
export function sigRegSum(
  representations: Float32Array,
  projection: Float32Array,
  { tMax, points, slices }: SigRegShape = SIG_REG,
): number {
  const projected = linear(representations, { weight: projection, bias: new Float32Array(slices) });
  const step = tMax / (points - 1);
  let total = 0;
  for (let at = 0; at < projected.length; at += slices) {
    let integral = 0;
    for (let i = 0; i < points; i++) {
      const t = i * step;
      let re = 0;
      let im = 0;
      for (let s = 0; s < slices; s++) {
        re += Math.cos(t * projected[at + s]!);
        im += Math.sin(t * projected[at + s]!);
      }
      const phi = Math.exp((-t * t) / 2);
      const error = (re / slices - phi) ** 2 + (im / slices) ** 2;
      // Twice the usual trapezoid weights, as upstream.
      const weight = (i === 0 || i === points - 1 ? step : 2 * step) * phi;
      integral += error * weight;
    }
    total += slices * integral;
  }
  return total;
}
