import { type AttentionWeights, attention } from './attention.js';
import { gelu } from './gelu.js';
import { layerNorm, type NormWeights } from './layer-norm.js';
import { type LinearWeights, linear } from './linear.js';
import type { RopeTable } from './rope.js';

/** The feed-forward block: `[E, H]`, then `[H, E]`. */
export interface FeedForwardWeights {
  readonly inner: LinearWeights;
  readonly outer: LinearWeights;
}

/** One encoder layer. */
export interface LayerWeights {
  readonly norm1: NormWeights;
  readonly attention: AttentionWeights;
  readonly norm2: NormWeights;
  readonly feedForward: FeedForwardWeights;
}

/** The expensive operations of a forward pass, which engines can replace. */
export interface Products {
  readonly linear: typeof linear;
  readonly attention: typeof attention;
}

/** The plain implementations. */
export const REFERENCE_PRODUCTS: Products = { linear, attention };

/**
 * `GELU(u W1 + b1) W2 + b2`.
 *
 * @param u `[rows, E]`
 * @returns `[rows, E]`
 */
export function feedForward(
  u: Float32Array,
  weights: FeedForwardWeights,
  products: Products = REFERENCE_PRODUCTS,
): Float32Array {
  const hidden = products.linear(u, weights.inner);
  gelu(hidden);
  return products.linear(hidden, weights.outer);
}

/**
 * One pre-norm layer, in place: attention, then feed-forward, each added to the residual stream.
 *
 * @param x `[T, E]`
 */
export function encodeLayer(
  x: Float32Array,
  layer: LayerWeights,
  rope: RopeTable,
  numHeads: number,
  products: Products = REFERENCE_PRODUCTS,
): void {
  add(x, products.attention(layerNorm(x, layer.norm1), layer.attention, rope, numHeads));
  add(x, feedForward(layerNorm(x, layer.norm2), layer.feedForward, products));
}

/** Adds `y` to `x`, in place. */
export function add(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + y[i]!;
}
