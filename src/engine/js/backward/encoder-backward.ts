import { add, encodeLayer, type LayerWeights } from '../../reference/encoder.js';
import { layerNorm } from '../../reference/layer-norm.js';
import type { RopeTable } from '../../reference/rope.js';
import { attention } from '../attention.js';
import { linear } from '../linear.js';
import { JS_PRODUCTS } from '../products.js';
import { attentionBackward } from './attention-backward.js';
import { geluBackward } from './gelu-backward.js';
import { layerNormBackward } from './layer-norm-backward.js';
import { linearBackward } from './linear-backward.js';

/**
 * The backward pass of one pre-norm layer, in place: turns the gradient with respect to its output into that with
 * respect to its input. Recomputes intermediate values from the input, so that a pass stores one `[T, E]` per layer.
 *
 * @param x `[T, E]`, the layer's input
 * @param gradient `[T, E]`
 */
function encodeLayerBackward(
  x: Float32Array,
  gradient: Float32Array,
  layer: LayerWeights,
  rope: RopeTable,
  numHeads: number,
): void {
  const normed = layerNorm(x, layer.norm1);
  const between = attention(normed, layer.attention, rope, numHeads);
  add(between, x);
  const hidden = linear(layerNorm(between, layer.norm2), layer.feedForward.inner);
  const dHidden = linearBackward(gradient, layer.feedForward.outer);
  geluBackward(hidden, dHidden);
  add(gradient, layerNormBackward(between, linearBackward(dHidden, layer.feedForward.inner), layer.norm2));
  const dNormed = attentionBackward(normed, gradient, layer.attention, rope, numHeads);
  add(gradient, layerNormBackward(x, dNormed, layer.norm1));
}

/**
 * All layers forward, in place, keeping what the way back starts from.
 *
 * @param x `[T, E]`
 * @returns the layers' inputs
 */
export function encodeKeepingInputs(
  x: Float32Array,
  layers: readonly LayerWeights[],
  rope: RopeTable,
  numHeads: number,
): Float32Array[] {
  return layers.map((layer) => {
    const input = x.slice();
    encodeLayer(x, layer, rope, numHeads, JS_PRODUCTS);
    return input;
  });
}

/** All layers backward, in place, from what {@link encodeKeepingInputs} kept. */
export function encodeBackward(
  inputs: readonly Float32Array[],
  gradient: Float32Array,
  layers: readonly LayerWeights[],
  rope: RopeTable,
  numHeads: number,
): void {
  for (let l = inputs.length - 1; l >= 0; l--) {
    encodeLayerBackward(inputs[l]!, gradient, layers[l]!, rope, numHeads);
  }
}
