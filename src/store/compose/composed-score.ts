import { QuarryError } from '../../errors/index.js';

/** The score of one part of a composed sample. */
export interface PartScore {
  readonly loss: number;
  /** `[embeddingDim]` */
  readonly embedding: Float32Array;
  /** Number of chunks in the part, which is its weight. Default 1. */
  readonly chunks?: number | undefined;
}

/**
 * The score of parts joined to one sample of at most one batch, without a forward pass: chunks of a batch are
 * independent, so loss and embedding are the means over the chunks. Differs from scoring the joined bytes only in the
 * rounding of the rotary positions.
 *
 * @throws QuarryError `DATA_EMPTY` for no parts
 */
export function composedScore(parts: readonly PartScore[]): { loss: number; embedding: Float32Array } {
  const [first] = parts;
  if (first === undefined) throw new QuarryError('DATA_EMPTY', 'a composed sample needs at least one part');
  const sums = new Float64Array(first.embedding.length);
  let loss = 0;
  let chunks = 0;
  for (const { loss: each, embedding, chunks: weight = 1 } of parts) {
    chunks += weight;
    loss += weight * each;
    for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + weight * embedding[i]!;
  }
  return { loss: loss / chunks, embedding: Float32Array.from(sums, (sum) => sum / chunks) };
}
