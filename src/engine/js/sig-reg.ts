import { SIG_REG, type SigRegShape } from '../reference/sig-reg.js';
import { linear } from './linear.js';

/**
 * Like the reference's `sigRegSum`, with one sine and cosine per projection instead of per point.
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
  const cosines = new Float64Array(points);
  const sines = new Float64Array(points);
  let total = 0;
  for (let at = 0; at < projected.length; at += slices) {
    cosines.fill(0);
    sines.fill(0);
    for (let s = 0; s < slices; s++) {
      // The points are equally spaced, so cosines of multiples of one angle, each from the two before:
      // cos((i + 1) a) = 2 cos(a) cos(i a) - cos((i - 1) a), and the same for sines.
      const angle = step * projected[at + s]!;
      const c = Math.cos(angle);
      const twice = 2 * c;
      let re = 1;
      let im = 0;
      let reBefore = c;
      let imBefore = -Math.sin(angle);
      for (let i = 0; i < points; i++) {
        cosines[i] = cosines[i]! + re;
        sines[i] = sines[i]! + im;
        const reNext = twice * re - reBefore;
        const imNext = twice * im - imBefore;
        reBefore = re;
        imBefore = im;
        re = reNext;
        im = imNext;
      }
    }
    let integral = 0;
    for (let i = 0; i < points; i++) {
      const t = i * step;
      const phi = Math.exp((-t * t) / 2);
      const error = (cosines[i]! / slices - phi) ** 2 + (sines[i]! / slices) ** 2;
      // Twice the usual trapezoid weights, as upstream.
      const weight = (i === 0 || i === points - 1 ? step : 2 * step) * phi;
      integral += error * weight;
    }
    total += slices * integral;
  }
  return total;
}
