import type { Score } from '../src/engine/contract.js';

/** The larger of the relative errors of loss and embedding. */
export function relativeError(got: Pick<Score, 'loss' | 'embedding'>, want: Pick<Score, 'loss' | 'embedding'>): number {
  let difference = 0;
  let size = 0;
  for (const [i, x] of want.embedding.entries()) {
    difference += (got.embedding[i]! - x) ** 2;
    size += x * x;
  }
  return Math.max(Math.abs(got.loss / want.loss - 1), Math.sqrt(difference / size));
}
