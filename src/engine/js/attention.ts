import { type AttentionWeights, MASK_FILL } from '../reference/attention.js';
import { applyRope, type RopeTable } from '../reference/rope.js';
import { linear } from './linear.js';
import { exponentiate } from './softmax.js';

/**
 * Rows whose largest unmasked score is below this attend to later positions too: `exp(-10000 - max)` no longer
 * underflows to 0 in f32, which happens below `exp(-104)`. Only hostile weights get there.
 */
const MASK_LEAK_BELOW = -9896;

/**
 * Causal multi-head self-attention of one chunk; PAD positions are treated like any other.
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

/**
 * Replaces the scores of row `i` with the unnormalised softmax weights.
 *
 * @param scores scores of positions up to `i`; entries beyond are overwritten if the mask leaks
 * @returns the number of positions with weight, and the sum of their weights to divide by
 */
export function exponentiateRow(scores: Float64Array, i: number): { readonly end: number; readonly sum: number } {
  let max = -Infinity;
  for (let j = 0; j <= i; j++) if (scores[j]! > max) max = scores[j]!;
  let end = i + 1;
  if (max < MASK_LEAK_BELOW && end < scores.length) {
    scores.fill(MASK_FILL, end);
    end = scores.length;
    max = Math.max(max, MASK_FILL);
  }
  return { end, sum: exponentiate(scores, end, max) };
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
  // Feature-major copies let both inner loops run along positions.
  const keys = featureMajor(key, width, offset, headDim, length);
  const values = featureMajor(value, width, offset, headDim, length);
  const scale = 1 / Math.fround(Math.sqrt(headDim));
  const scores = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const row = i * width + offset;
    scores.fill(0, 0, i + 1);
    for (let d = 0; d < headDim; d += FEATURES) addScores(scores, i + 1, query, row, keys, d, headDim, length, scale);
    const { end, sum } = exponentiateRow(scores, i);
    for (let d = 0; d < headDim; d += FEATURES) mixValues(context, row, scores, end, sum, values, d, headDim, length);
  }
}

/** Features processed together, so that the row of scores is traversed a quarter as often. */
const FEATURES = 4;

/** Adds the part of features `[d, d + 4)` to the first `count` scores. Features past the head's end count as zero. */
function addScores(
  scores: Float64Array,
  count: number,
  query: Float32Array,
  row: number,
  keys: Float32Array,
  d: number,
  headDim: number,
  length: number,
  scale: number,
): void {
  const both = d + 2 < headDim;
  const q0 = query[row + d]! * scale;
  const q1 = query[row + d + 1]! * scale;
  const q2 = both ? query[row + d + 2]! * scale : 0;
  const q3 = both ? query[row + d + 3]! * scale : 0;
  const at0 = d * length;
  const at1 = at0 + length;
  const at2 = both ? at1 + length : at0;
  const at3 = both ? at2 + length : at0;
  for (let j = 0; j < count; j++) {
    scores[j] = scores[j]! + (q0 * keys[at0 + j]! + q1 * keys[at1 + j]! + (q2 * keys[at2 + j]! + q3 * keys[at3 + j]!));
  }
}

/** Writes the weighted means of features `[d, d + 4)`, or of the last two. */
function mixValues(
  context: Float32Array,
  row: number,
  weights: Float64Array,
  count: number,
  sum: number,
  values: Float32Array,
  d: number,
  headDim: number,
  length: number,
): void {
  const both = d + 2 < headDim;
  const at0 = d * length;
  const at1 = at0 + length;
  const at2 = both ? at1 + length : at0;
  const at3 = both ? at2 + length : at0;
  let total0 = 0;
  let total1 = 0;
  let total2 = 0;
  let total3 = 0;
  for (let j = 0; j < count; j++) {
    const weight = weights[j]!;
    total0 += weight * values[at0 + j]!;
    total1 += weight * values[at1 + j]!;
    total2 += weight * values[at2 + j]!;
    total3 += weight * values[at3 + j]!;
  }
  context[row + d] = total0 / sum;
  context[row + d + 1] = total1 / sum;
  if (!both) return;
  context[row + d + 2] = total2 / sum;
  context[row + d + 3] = total3 / sum;
}

/** One head's features as `[D, T]`. */
function featureMajor(x: Float32Array, width: number, offset: number, headDim: number, length: number): Float32Array {
  const out = new Float32Array(headDim * length);
  for (let t = 0; t < length; t++) {
    for (let d = 0; d < headDim; d++) out[d * length + t] = x[t * width + offset + d]!;
  }
  return out;
}
