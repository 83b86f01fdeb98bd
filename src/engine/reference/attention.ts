import { type LinearWeights, linear } from './linear.js';
import { applyRope, type RopeTable } from './rope.js';
import { exponentiate } from './softmax.js';

/** The four projections of an attention block, `[E, E]` each. */
export interface AttentionWeights {
  readonly query: LinearWeights;
  readonly key: LinearWeights;
  readonly value: LinearWeights;
  readonly output: LinearWeights;
}

/** What the network writes over the scores of later positions: finite, not minus infinity. */
export const MASK_FILL = -1.0e4;

/**
 * Rows whose largest allowed score is below this see later positions: `exp(-10000 - max)` is no longer 0 in f32, which
 * underflows past `exp(-104)`. Ordinary weights never get there; hostile ones can.
 */
export const MASK_LEAK_BELOW = -9896;

/**
 * Causal multi-head self-attention of one chunk, PAD positions included like any other.
 *
 * @param u `[T, E]`, the normalised input
 * @param rope table of the chunk's positions
 * @param numHeads A; features are head-major, `f = head * D + d`
 * @returns `[T, E]`, after the output projection
 */
export function attention(u: Float32Array, weights: AttentionWeights, rope: RopeTable, numHeads: number): Float32Array {
  const width = weights.query.bias.length;
  const headDim = width / numHeads;
  const query = linear(u, weights.query);
  const key = linear(u, weights.key);
  const value = linear(u, weights.value);
  applyRope(query, rope, headDim);
  applyRope(key, rope, headDim);
  const context = new Float32Array(u.length);
  for (let head = 0; head < numHeads; head++) {
    attendHead(context, query, key, value, width, head * headDim, headDim);
  }
  return linear(context, weights.output);
}

/** One head: `softmax(q k^T / sqrt(D)) v` over positions up to the row's own. */
function attendHead(
  context: Float32Array,
  query: Float32Array,
  key: Float32Array,
  value: Float32Array,
  width: number,
  offset: number,
  headDim: number,
): void {
  const length = query.length / width;
  // Feature-major copies make both inner loops run along positions.
  const keys = featureMajor(key, width, offset, headDim, length);
  const values = featureMajor(value, width, offset, headDim, length);
  const scale = 1 / Math.fround(Math.sqrt(headDim));
  const scores = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const row = i * width + offset;
    scores.fill(0, 0, i + 1);
    // Features in pairs, here and below: half the passes over the row.
    for (let d = 0; d < headDim; d += 2) {
      const q0 = query[row + d]! * scale;
      const q1 = query[row + d + 1]! * scale;
      const at0 = d * length;
      const at1 = at0 + length;
      for (let j = 0; j <= i; j++) scores[j] = scores[j]! + q0 * keys[at0 + j]! + q1 * keys[at1 + j]!;
    }
    let max = -Infinity;
    for (let j = 0; j <= i; j++) if (scores[j]! > max) max = scores[j]!;
    let end = i + 1;
    if (max < MASK_LEAK_BELOW && end < length) {
      scores.fill(MASK_FILL, end);
      end = length;
      max = Math.max(max, MASK_FILL);
    }
    const sum = exponentiate(scores, end, max);
    for (let d = 0; d < headDim; d += 2) {
      const at0 = d * length;
      const at1 = at0 + length;
      let total0 = 0;
      let total1 = 0;
      for (let j = 0; j < end; j++) {
        const weight = scores[j]!;
        total0 += weight * values[at0 + j]!;
        total1 += weight * values[at1 + j]!;
      }
      context[row + d] = total0 / sum;
      context[row + d + 1] = total1 / sum;
    }
  }
}

/** One head's features as `[D, T]`. */
function featureMajor(x: Float32Array, width: number, offset: number, headDim: number, length: number): Float32Array {
  const out = new Float32Array(headDim * length);
  for (let t = 0; t < length; t++) {
    for (let d = 0; d < headDim; d++) out[d * length + t] = x[t * width + offset + d]!;
  }
  return out;
}
