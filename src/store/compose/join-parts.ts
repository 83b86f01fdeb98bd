import { QuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';

/** Parts joined to one sample. */
export interface JoinedParts {
  readonly bytes: Uint8Array;
  /** Number of chunks of each part, in order. */
  readonly chunks: readonly number[];
}

/**
 * Joins parts to one sample whose score is the mean of theirs. Every part but the last must be a whole number of
 * chunks, and all parts must fit in one batch.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a part before the last is not a whole number of chunks
 * @throws QuarryError `DATA_TOO_LARGE` when the parts exceed one batch
 * @throws QuarryError `DATA_EMPTY` when there are no parts or one is empty
 */
export function joinParts(
  parts: readonly Uint8Array[],
  { sequenceLength, batchSize }: Pick<ModelConfig, 'sequenceLength' | 'batchSize'>,
): JoinedParts {
  if (parts.length === 0 || parts.some((part) => part.length === 0)) {
    throw new QuarryError('DATA_EMPTY', 'a composed sample needs parts with at least one byte each');
  }
  const uneven = parts.findIndex((part, i) => i < parts.length - 1 && part.length % sequenceLength !== 0);
  if (uneven >= 0) {
    throw new QuarryError(
      'INVALID_ARGUMENT',
      `part ${uneven + 1} has ${parts[uneven]?.length} bytes, not a multiple of ${sequenceLength}`,
      { hint: 'every part except the last must be whole chunks, or later parts would be cut differently' },
    );
  }
  const chunks = parts.map((part) => Math.ceil(part.length / sequenceLength));
  const total = chunks.reduce((sum, count) => sum + count, 0);
  if (total > batchSize) {
    throw new QuarryError('DATA_TOO_LARGE', `the parts have ${total} chunks, above the limit of ${batchSize}`, {
      hint: 'chunks of a second batch get different noise, so the score is not the mean',
    });
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, chunks };
}
