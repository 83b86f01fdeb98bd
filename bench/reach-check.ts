import { createJsEngine } from '../src/engine/js/index.js';
import { cosineDistance } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { composedScore, joinParts } from '../src/store/index.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import { breathe } from './breathe.js';
import type { ChunkScores, ReachModel } from './reach-models.js';

/**
 * Checks compositions before anything is measured: the reference scores their joined bytes, whose loss and distance must
 * match those computed from the parts.
 *
 * @param count compositions, of two parts and more
 * @throws QuarryError `ENGINE_FAILED` when a loss differs by more than 1e-4 or a distance by more than 1e-5
 */
export async function checkCompositions(
  { open }: ReachModel,
  shape: ModelConfig,
  chunks: readonly Uint8Array[],
  { losses, embeddings }: ChunkScores,
  target: Float32Array,
  count: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const dim = shape.embeddingDim;
  const weights = await open();
  const model = await createJsEngine().load(weights, shape);
  try {
    for (let n = 0; n < count; n++) {
      await breathe(signal);
      const parts = Array.from({ length: 2 + (n % 3) }, (_, i) => (n * 7919 + i * 104_729) % chunks.length);
      const composed = composedScore(
        parts.map((part) => ({ loss: losses[part]!, embedding: embeddings.subarray(part * dim, (part + 1) * dim) })),
      );
      const { bytes } = joinParts(
        parts.map((part) => chunks[part]!),
        shape,
      );
      const [joined] = await model.score([bytes]);
      const loss = Math.abs(composed.loss - joined!.loss);
      const distance = Math.abs(cosineDistance(composed.embedding, target) - cosineDistance(joined!.embedding, target));
      if (loss <= 1e-4 && distance <= 1e-5) continue;
      throw new QuarryError('ENGINE_FAILED', 'a composed score is not that of the joined bytes', {
        details: { loss, distance },
      });
    }
  } finally {
    await model.close();
    await weights.close();
  }
}
