import { QuarryError } from '../errors/index.js';
import type { WeightsFile } from './weights-file.js';

/** The dimensions that determine a V1 model's tensors. A `ModelConfig` is assignable. */
export interface V1Shape {
  readonly embeddingDim: number;
  readonly numLayers: number;
  readonly hiddenDim: number;
  readonly vocabSize: number;
}

/** Role of a tensor. */
export type V1TensorRole = 'embedding' | 'weight' | 'bias' | 'gamma' | 'beta';

/** One tensor of a V1 model: its key in a weight file and its shape. Linear weights are `[in, out]`. */
export interface V1Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: V1TensorRole;
}

/** Number of elements of a tensor. */
export function elementsOf({ shape }: Pick<V1Tensor, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1);
}

function norm(prefix: string, width: number): V1Tensor[] {
  return [
    { name: `${prefix}.gamma`, shape: [width], role: 'gamma' },
    { name: `${prefix}.beta`, shape: [width], role: 'beta' },
  ];
}

function linear(prefix: string, input: number, output: number): V1Tensor[] {
  return [
    { name: `${prefix}.weight`, shape: [input, output], role: 'weight' },
    { name: `${prefix}.bias`, shape: [output], role: 'bias' },
  ];
}

/**
 * All tensors of a V1 model in forward order. Keys are the field names of upstream `models/src/v1/modules/*.rs`
 * (identity adapter of burn-store).
 */
export function v1Tensors(shape: V1Shape): V1Tensor[] {
  const { embeddingDim: e, hiddenDim: h, vocabSize: v } = shape;
  const tensors: V1Tensor[] = [{ name: 'embedding.weight', shape: [v, e], role: 'embedding' }];
  for (let l = 0; l < shape.numLayers; l++) {
    const layer = `encoder.layers.${l}`;
    tensors.push(
      ...norm(`${layer}.norm_1`, e),
      ...linear(`${layer}.attention.query`, e, e),
      ...linear(`${layer}.attention.key`, e, e),
      ...linear(`${layer}.attention.value`, e, e),
      ...linear(`${layer}.attention.output`, e, e),
      ...norm(`${layer}.norm_2`, e),
      ...linear(`${layer}.pwff.linear_inner`, e, h),
      ...linear(`${layer}.pwff.linear_outer`, h, e),
    );
  }
  return [...tensors, ...norm('final_norm', e), ...linear('predictor', e, v)];
}

/**
 * Checks that a weight file has every tensor of a V1 model in its exact shape. Cannot detect transposed square
 * matrices, which have the same shape.
 *
 * @returns names of tensors that the model does not use; the network ignores them too
 * @throws QuarryError `WEIGHTS_INVALID` when a tensor is missing or has another shape
 */
export function assertFitsV1(weights: Pick<WeightsFile, 'tensors'>, shape: V1Shape): string[] {
  const unused = new Set(weights.tensors.keys());
  for (const tensor of v1Tensors(shape)) {
    const found = weights.tensors.get(tensor.name);
    if (found === undefined) {
      throw new QuarryError('WEIGHTS_INVALID', `weight file has no tensor "${tensor.name}"`, {
        hint: 'Check that the file was made for this model configuration.',
        details: { tensor: tensor.name, tensorsInFile: weights.tensors.size },
      });
    }
    if (found.shape.length !== tensor.shape.length || found.shape.some((n, axis) => n !== tensor.shape[axis])) {
      const expected = `[${tensor.shape.join(', ')}]`;
      const actual = `[${found.shape.join(', ')}]`;
      throw new QuarryError('WEIGHTS_INVALID', `"${tensor.name}" expected shape ${expected}, got ${actual}`, {
        hint: 'Check that the file was made for this model configuration.',
        details: { tensor: tensor.name, expected, actual },
      });
    }
    unused.delete(tensor.name);
  }
  return [...unused];
}
