import type { ModelConfig } from '../../weights/model-config.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import { encodeLayer, type LayerWeights, type Products, REFERENCE_PRODUCTS } from './encoder.js';
import { layerNorm, type NormWeights } from './layer-norm.js';
import type { LinearWeights } from './linear.js';
import { ropeTable } from './rope.js';

/** All weights of a V1 model in f32. */
export interface V1Weights {
  /** `[V, E]`. */
  readonly embedding: Float32Array;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: NormWeights;
  /** `[E, V]`. */
  readonly predictor: LinearWeights;
}

/**
 * Reads a model's tensors by their keys. The caller must have checked the shapes.
 *
 * @throws QuarryError `WEIGHTS_INVALID` when a tensor is missing
 */
export async function readV1Weights(file: WeightsFile, config: ModelConfig): Promise<V1Weights> {
  const norm = async (prefix: string): Promise<NormWeights> => ({
    gamma: await file.read(`${prefix}.gamma`),
    beta: await file.read(`${prefix}.beta`),
  });
  const affine = async (prefix: string): Promise<LinearWeights> => ({
    weight: await file.read(`${prefix}.weight`),
    bias: await file.read(`${prefix}.bias`),
  });
  const layers: LayerWeights[] = [];
  for (let l = 0; l < config.numLayers; l++) {
    const prefix = `encoder.layers.${l}`;
    layers.push({
      norm1: await norm(`${prefix}.norm_1`),
      attention: {
        query: await affine(`${prefix}.attention.query`),
        key: await affine(`${prefix}.attention.key`),
        value: await affine(`${prefix}.attention.value`),
        output: await affine(`${prefix}.attention.output`),
      },
      norm2: await norm(`${prefix}.norm_2`),
      feedForward: {
        inner: await affine(`${prefix}.pwff.linear_inner`),
        outer: await affine(`${prefix}.pwff.linear_outer`),
      },
    });
  }
  return {
    embedding: await file.read('embedding.weight'),
    layers,
    finalNorm: await norm('final_norm'),
    predictor: await affine('predictor'),
  };
}

/**
 * Representations of one chunk: token embeddings through all layers and the final norm.
 *
 * @param tokens `[T]`
 * @param positions `[T]`, global byte offsets
 * @returns `[T, E]`
 */
export function encode(
  weights: V1Weights,
  tokens: ArrayLike<number>,
  positions: ArrayLike<number>,
  numHeads: number,
  products: Products = REFERENCE_PRODUCTS,
): Float32Array {
  const width = weights.finalNorm.gamma.length;
  const x = embed(weights.embedding, tokens, width);
  const rope = ropeTable(positions, width / numHeads);
  for (const layer of weights.layers) encodeLayer(x, layer, rope, numHeads, products);
  return layerNorm(x, weights.finalNorm);
}

/**
 * Rows of the embedding table, unscaled.
 *
 * @param table `[V, E]`
 * @param tokens `[T]`
 * @returns `[T, E]`
 */
export function embed(table: Float32Array, tokens: ArrayLike<number>, width: number): Float32Array {
  const x = new Float32Array(tokens.length * width);
  for (let t = 0; t < tokens.length; t++) {
    const token = tokens[t]!;
    x.set(table.subarray(token * width, (token + 1) * width), t * width);
  }
  return x;
}
