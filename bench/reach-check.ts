import { createJsEngine } from '../src/engine/js/index.js';
import { cosineDistance } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { composedScore, joinParts } from '../src/store/index.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import type { ChunkScores } from './reach-models.js';

/**
 * Scores the bytes of one composition with the reference: nothing is measured before its loss and its distance to a
 * target are what the parts come to.
 *
 * @throws QuarryError `ENGINE_FAILED` when the loss differs by more than 1e-4 or the distance by more than 1e-5
 */
export async function checkComposition(
  weights: WeightsFile,
  shape: ModelConfig,
  chunks: readonly Uint8Array[],
  { losses, embeddings }: ChunkScores,
  target: Float32Array,
): Promise<void> {
  const parts = [0, 1, chunks.length - 1, 0];
  const dim = shape.embeddingDim;
  const composed = composedScore(
    parts.map((part) => ({ loss: losses[part]!, embedding: embeddings.subarray(part * dim, (part + 1) * dim) })),
  );
  const model = await createJsEngine().load(weights, shape);
  const { bytes } = joinParts(
    parts.map((part) => chunks[part]!),
    shape,
  );
  const [joined] = await model.score([bytes]);
  await model.close();
  const loss = Math.abs(composed.loss - joined!.loss);
  const distance = Math.abs(cosineDistance(composed.embedding, target) - cosineDistance(joined!.embedding, target));
  if (loss <= 1e-4 && distance <= 1e-5) return;
  throw new QuarryError('ENGINE_FAILED', 'a composed score is not that of the joined bytes', {
    details: { loss, distance },
  });
}
