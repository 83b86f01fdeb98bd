import type { Score } from '../engine/contract.js';

/** The score of a sample that could not be scored: its NaN loss never wins a target. */
export function neverWins(embeddingDim: number): Score {
  return { loss: Number.NaN, embedding: new Float32Array(embeddingDim), precision: 'f32' };
}

/** Whether this is {@link neverWins}. A model whose loss is NaN does not return an all-zero embedding. */
export function isLeftOut({ loss, embedding }: Score): boolean {
  return Number.isNaN(loss) && embedding.every((value) => value === 0);
}
