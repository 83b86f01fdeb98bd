import type { AttentionWeights } from '../../reference/attention.js';
import { applyRope, type RopeTable } from '../../reference/rope.js';
import { exponentiateRow } from '../attention.js';
import { linear } from '../linear.js';
import { linearBackward } from './linear-backward.js';

/** Queries, keys and values of a chunk, or the gradients with respect to them; `[T, E]` each. */
interface Projections {
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
}

/**
 * The gradient of causal self-attention with respect to its input. Per head, with `S = q k^T / sqrt(D)`, `P =
 * softmax(S)` and `C = P v`, and `dC` the gradient that comes back through the output projection:
 *
 * `dv = P^T dC`, `dP = dC v^T`, `dS = P * (dP - rowsum(P * dP))`, `dq = dS k / sqrt(D)`, `dk = dS^T q / sqrt(D)`
 *
 * The rotations of q and k are reversed with the opposite angle.
 *
 * @param u `[T, E]`, the normalised input
 * @param dy `[T, E]`
 * @returns `[T, E]`
 */
export function attentionBackward(
  u: Float32Array,
  dy: Float32Array,
  weights: AttentionWeights,
  rope: RopeTable,
  numHeads: number,
): Float32Array {
  const width = weights.query.bias.length;
  const headDim = width / numHeads;
  const from = {
    query: linear(u, weights.query),
    key: linear(u, weights.key),
    value: linear(u, weights.value),
  };
  applyRope(from.query, rope, headDim);
  applyRope(from.key, rope, headDim);
  const context = linearBackward(dy, weights.output);
  const gradient = {
    query: new Float32Array(u.length),
    key: new Float32Array(u.length),
    value: new Float32Array(u.length),
  };
  for (let head = 0; head < numHeads; head++) {
    headBackward(from, gradient, context, width, head * headDim, headDim);
  }
  const back = { sin: rope.sin.map((sine) => -sine), cos: rope.cos };
  applyRope(gradient.query, back, headDim);
  applyRope(gradient.key, back, headDim);
  const dx = linearBackward(gradient.query, weights.query);
  for (const part of [linearBackward(gradient.key, weights.key), linearBackward(gradient.value, weights.value)]) {
    for (let i = 0; i < dx.length; i++) dx[i] = dx[i]! + part[i]!;
  }
  return dx;
}

/** One head, query by query; accumulates gradients in f64. */
function headBackward(
  { query, key, value }: Projections,
  gradient: Projections,
  context: Float32Array,
  width: number,
  offset: number,
  headDim: number,
): void {
  const length = query.length / width;
  const scale = 1 / Math.fround(Math.sqrt(headDim));
  const weights = new Float64Array(length);
  const dWeights = new Float64Array(length);
  const dKey = new Float64Array(length * headDim);
  const dValue = new Float64Array(length * headDim);
  const dQuery = new Float64Array(headDim);
  for (let i = 0; i < length; i++) {
    const row = i * width + offset;
    const end = attentionWeights(weights, i, query, key, width, offset, headDim, scale);
    let mean = 0;
    for (let j = 0; j < end; j++) {
      const at = j * width + offset;
      let dWeight = 0;
      for (let d = 0; d < headDim; d++) {
        dWeight += context[row + d]! * value[at + d]!;
        dValue[j * headDim + d] = dValue[j * headDim + d]! + weights[j]! * context[row + d]!;
      }
      dWeights[j] = dWeight;
      mean += weights[j]! * dWeight;
    }
    dQuery.fill(0);
    // Scores of later positions are constants (the mask fill), so they have no gradient.
    for (let j = 0; j <= i; j++) {
      const dScore = weights[j]! * (dWeights[j]! - mean) * scale;
      const at = j * width + offset;
      for (let d = 0; d < headDim; d++) {
        dQuery[d] = dQuery[d]! + dScore * key[at + d]!;
        dKey[j * headDim + d] = dKey[j * headDim + d]! + dScore * query[row + d]!;
      }
    }
    gradient.query.set(dQuery, row);
  }
  for (let j = 0; j < length; j++) {
    gradient.key.set(dKey.subarray(j * headDim, (j + 1) * headDim), j * width + offset);
    gradient.value.set(dValue.subarray(j * headDim, (j + 1) * headDim), j * width + offset);
  }
}

/** Computes one row of the softmax as in the forward pass; returns the number of positions with weight. */
function attentionWeights(
  weights: Float64Array,
  i: number,
  query: Float32Array,
  key: Float32Array,
  width: number,
  offset: number,
  headDim: number,
  scale: number,
): number {
  for (let j = 0; j <= i; j++) {
    let score = 0;
    for (let d = 0; d < headDim; d++) score += query[i * width + offset + d]! * scale * key[j * width + offset + d]!;
    weights[j] = score;
  }
  const { end, sum } = exponentiateRow(weights, i);
  for (let j = 0; j < end; j++) weights[j] = weights[j]! / sum;
  return end;
}
