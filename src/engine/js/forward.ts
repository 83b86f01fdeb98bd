import type { FeedForwardWeights, LayerWeights } from '../reference/encoder.js';
import { gelu } from '../reference/gelu.js';
import { layerNorm } from '../reference/layer-norm.js';
import { type RopeTable, ropeTable } from '../reference/rope.js';
import { embed, type V1Weights } from '../reference/v1-model.js';
import { attention } from './attention.js';
import { linear } from './linear.js';

/** As the reference's. */
export function feedForward(u: Float32Array, weights: FeedForwardWeights): Float32Array {
  const hidden = linear(u, weights.inner);
  gelu(hidden);
  return linear(hidden, weights.outer);
}

/** As the reference's: one pre-norm layer, in place. */
export function encodeLayer(x: Float32Array, layer: LayerWeights, rope: RopeTable, numHeads: number): void {
  add(x, attention(layerNorm(x, layer.norm1), layer.attention, rope, numHeads));
  add(x, feedForward(layerNorm(x, layer.norm2), layer.feedForward));
}

/** As the reference's: representations of one chunk, `[T, E]`. */
export function encode(
  weights: V1Weights,
  tokens: ArrayLike<number>,
  positions: ArrayLike<number>,
  numHeads: number,
): Float32Array {
  const width = weights.finalNorm.gamma.length;
  const x = embed(weights.embedding, tokens, width);
  const rope = ropeTable(positions, width / numHeads);
  for (const layer of weights.layers) encodeLayer(x, layer, rope, numHeads);
  return layerNorm(x, weights.finalNorm);
}

function add(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + y[i]!;
}
