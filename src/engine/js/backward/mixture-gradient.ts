import { QuarryError, throwIfAborted } from '../../../errors/index.js';
import type { ModelConfig } from '../../../weights/model-config.js';
import type { MixtureGoal, MixtureGradient } from '../../contract.js';
import { cosineDistance } from '../../reference/competition.js';
import { layerNorm } from '../../reference/layer-norm.js';
import { ropeTable } from '../../reference/rope.js';
import type { V1Weights } from '../../reference/v1-model.js';
import { linear } from '../linear.js';
import { BYTE_VALUES } from './byte-gradient.js';
import { cosineGradient } from './cosine-gradient.js';
import { encodeBackward, encodeKeepingInputs } from './encoder-backward.js';
import { layerNormBackward } from './layer-norm-backward.js';
import { linearBackward } from './linear-backward.js';

/** {@link LoadedModel.mixtureGradient} in f32 loops. */
export function mixtureGradient(
  weights: V1Weights,
  config: ModelConfig,
  mixture: Float32Array,
  goal: MixtureGoal,
  signal?: AbortSignal,
): MixtureGradient {
  throwIfAborted(signal, 'computing a gradient');
  assertMixture(mixture, goal, config);
  const { embeddingDim, numHeads, sequenceLength } = config;
  const table = weights.embedding.subarray(0, BYTE_VALUES * embeddingDim);
  const rope = ropeTable(
    Uint32Array.from({ length: sequenceLength }, (_, i) => i),
    embeddingDim / numHeads,
  );
  const x = linear(mixture, { weight: table, bias: new Float32Array(embeddingDim) });
  const inputs = encodeKeepingInputs(x, weights.layers, rope, numHeads);

  const r = layerNorm(x, weights.finalNorm);
  const mean = new Float64Array(embeddingDim);
  for (const [i, value] of r.entries()) mean[i % embeddingDim] = mean[i % embeddingDim]! + value / sequenceLength;
  const slopes = linear(r, weights.predictor);
  const { crossEntropy, labels } = labelSlopes(slopes, mixture, goal.lossWeight / sequenceLength);
  const direction = cosineGradient(mean, goal.target);
  const seed = linearBackward(slopes, weights.predictor).map(
    (value, i) => value + direction[i % embeddingDim]! / sequenceLength,
  );
  const gradient = layerNormBackward(x, seed, weights.finalNorm);
  encodeBackward(inputs, gradient, weights.layers, rope, numHeads);
  // The table is [256, E]: its transpose maps a row to the products with every byte's embedding.
  const bytes = linearBackward(gradient, { weight: table, bias: new Float32Array(embeddingDim) });
  return {
    gradient: bytes.map((value, i) => value + labels[i]!),
    cosine: 1 - cosineDistance(Float32Array.from(mean), goal.target),
    crossEntropy,
  };
}

/**
 * Replaces logits with the slopes of `-weight * cross-entropy` with respect to them; the labels of a position are the
 * mixture of the next.
 *
 * @param logits `[T, V]`
 * @returns the cross-entropy divided by T, and the slopes with respect to the labels, `[T, 256]`
 */
function labelSlopes(logits: Float32Array, mixture: Float32Array, weight: number) {
  const positions = mixture.length / BYTE_VALUES;
  const classes = logits.length / positions;
  const labels = new Float32Array(mixture.length);
  let total = 0;
  for (let t = 0; t + 1 < positions; t++) {
    const row = logits.subarray(t * classes, (t + 1) * classes);
    const largest = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    const logSum = largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    for (let c = 0; c < classes; c++) {
      const logLikelihood = row[c]! - logSum;
      const at = (t + 1) * BYTE_VALUES + c;
      const label = c < BYTE_VALUES ? mixture[at]! : 0;
      total -= label * logLikelihood;
      if (c < BYTE_VALUES) labels[at] = weight * logLikelihood;
      row[c] = weight * (label - Math.exp(logLikelihood));
    }
  }
  logits.fill(0, (positions - 1) * classes);
  return { crossEntropy: total / positions, labels };
}

/**
 * Checks a mixture and its goal.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the mixture is not of one full chunk, or the target has another width than
 *   the model
 */
export function assertMixture(
  mixture: Float32Array,
  { target }: MixtureGoal,
  { sequenceLength, embeddingDim }: ModelConfig,
): void {
  const length = sequenceLength * BYTE_VALUES;
  if (mixture.length !== length) {
    throw new QuarryError('INVALID_ARGUMENT', `"mixture" expected ${length} numbers, got ${mixture.length}`);
  }
  if (target.length === embeddingDim) return;
  throw new QuarryError('INVALID_ARGUMENT', `"target" expected ${embeddingDim} numbers, got ${target.length}`);
}
