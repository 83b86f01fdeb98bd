import { setImmediate } from 'node:timers/promises';
import { QuarryError, throwIfAborted } from '../../../errors/index.js';
import type { ModelConfig } from '../../../weights/model-config.js';
import { batchesOf, chunkAt } from '../../reference/data-contract.js';
import { emptyData } from '../../reference/evaluate.js';
import { ropeTable } from '../../reference/rope.js';
import { embed, type V1Weights } from '../../reference/v1-model.js';
import { encodeBackward, encodeKeepingInputs } from './encoder-backward.js';
import { layerNormBackward } from './layer-norm-backward.js';
import { linearBackward } from './linear-backward.js';

/** Number of byte values. */
export const BYTE_VALUES = 256;

/**
 * The gradient of `direction . embedding` with respect to one-hot bytes. Only differences within a row matter: changing
 * byte i from a to b changes the product by about `[i, b] - [i, a]`.
 *
 * @param direction `[E]`
 * @returns `[data.length, 256]`
 * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
 * @throws QuarryError `INVALID_ARGUMENT` when the direction has another width
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function byteGradient(
  weights: V1Weights,
  config: ModelConfig,
  data: Uint8Array,
  direction: Float32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  if (data.length === 0) throw emptyData();
  assertDirection(direction, config);
  const out = new Float32Array(data.length * BYTE_VALUES);
  const { sequenceLength } = config;
  const bytes = weights.embedding.subarray(0, BYTE_VALUES * config.embeddingDim);
  const batches = batchesOf(data.length, config);
  for (const chunks of batches) {
    const share = 1 / (batches.length * chunks.length * sequenceLength);
    for (const index of chunks) {
      throwIfAborted(signal, 'computing a gradient');
      const start = index * sequenceLength;
      const rows = inputGradient(weights, config, data, index, direction);
      const length = Math.min(sequenceLength, data.length - start);
      // The table is [256, E]: its transpose maps a row to the products with every byte's embedding.
      const scores = linearBackward(rows.subarray(0, length * config.embeddingDim), {
        weight: bytes,
        bias: new Float32Array(config.embeddingDim),
      });
      out.set(
        scores.map((score) => score * share),
        start * BYTE_VALUES,
      );
      await setImmediate();
    }
  }
  return out;
}

/** The gradient of the sum over positions of `direction . r`, with respect to a chunk's embedded tokens: `[T, E]`. */
function inputGradient(
  weights: V1Weights,
  { numHeads, sequenceLength, embeddingDim }: ModelConfig,
  data: Uint8Array,
  index: number,
  direction: Float32Array,
): Float32Array {
  const { tokens, positions } = chunkAt(data, index, sequenceLength);
  const rope = ropeTable(positions, embeddingDim / numHeads);
  const x = embed(weights.embedding, tokens, embeddingDim);
  const inputs = encodeKeepingInputs(x, weights.layers, rope, numHeads);
  const seed = Float32Array.from(x, (_, i) => direction[i % embeddingDim]!);
  const gradient = layerNormBackward(x, seed, weights.finalNorm);
  encodeBackward(inputs, gradient, weights.layers, rope, numHeads);
  return gradient;
}

/**
 * Checks the direction of a gradient.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it has another width than the model
 */
export function assertDirection(direction: Float32Array, { embeddingDim }: ModelConfig): void {
  if (direction.length === embeddingDim) return;
  throw new QuarryError('INVALID_ARGUMENT', `"direction" expected ${embeddingDim} numbers, got ${direction.length}`);
}
