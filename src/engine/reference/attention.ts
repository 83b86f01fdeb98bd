import { type LinearWeights, linear } from './linear.js';
import { applyRope, type RopeTable } from './rope.js';

/** The four projections of an attention block, `[E, E]` each. */
export interface AttentionWeights {
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly value: LinearWeights;
  readonly output: LinearWeights;
}

/** The network's mask value for scores of later positions; finite rather than minus infinity. */
export const MASK_FILL = -1.0e4;

/**
 * Causal multi-head self-attention of one chunk: per head `softmax(mask(q k^T / sqrt(D))) v`, then the output
 * projection. PAD positions are treated like any other.
 *
 * @param u `[T, E]`, the normalised input
 * @param rope table of the chunk's positions
 * @param numHeads A; features are head-major, `f = head * D + d`
 * @returns `[T, E]`
 */
export function attention(u: Float32Array, weights: AttentionWeights, rope: RopeTable, numHeads: number): Float32Array {
  const width = weights.query.bias.length;
  const headDim = width / numHeads;
  const length = u.length / width;
  const query = linear(u, weights.query);
  const key = linear(u, weights.key);
  const value = linear(u, weights.value);
  applyRope(query, rope, headDim);
  applyRope(key, rope, headDim);
  const root = Math.fround(Math.sqrt(headDim));
  const context = new Float32Array(u.length);
  for (let head = 0; head < width; head += headDim) {
    for (let i = 0; i < length; i++) {
      const scores = new Float64Array(length).fill(MASK_FILL);
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let f = head; f < head + headDim; f++) dot += query[i * width + f]! * key[j * width + f]!;
        scores[j] = dot / root;
      }
      const shares = softmax(scores);
      for (let f = head; f < head + headDim; f++) {
        let mean = 0;
        for (let j = 0; j < length; j++) mean += shares[j]! * value[j * width + f]!;
        context[i * width + f] = mean;
      }
    }
  }
  return linear(context, weights.output);
}

/** `exp(x - max) / sum(exp(x - max))`. */
function softmax(scores: Float64Array): Float64Array {
  let max = -Infinity;
  for (const score of scores) if (score > max) max = score;
  const powers = scores.map((score) => Math.exp(score - max));
  let sum = 0;
  for (const power of powers) sum += power;
  return powers.map((power) => power / sum);
}
