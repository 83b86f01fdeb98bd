import { PAD_TOKEN } from '../../weights/model-config.js';

/**
 * Summed negative log-likelihood of a chunk's targets over all V classes. Positions whose target is PAD add nothing;
 * the caller still divides by the count of all positions, PAD included (burn-nn 0.19.1 `CrossEntropyLoss`).
 *
 * @param logits `[T, V]`
 * @param targets `[T]`
 */
export function negativeLogLikelihood(logits: Float32Array, targets: ArrayLike<number>): number {
  const classes = logits.length / targets.length;
  let total = 0;
  for (let t = 0; t < targets.length; t++) {
    const target = targets[t]!;
    if (target === PAD_TOKEN) continue;
    const row = logits.subarray(t * classes, (t + 1) * classes);
    let max = -Infinity;
    for (let c = 0; c < classes; c++) if (row[c]! > max) max = row[c]!;
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(row[c]! - max);
    total -= row[target]! - max - Math.log(sum);
  }
  return total;
}
