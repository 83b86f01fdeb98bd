import type { DistanceEngine, EmbeddingRows, TargetMatrix } from '../src/engine/contract.js';
import { createReferenceDistanceEngine } from '../src/engine/reference/index.js';

/** Rows that are compared: the reference takes a second for them. */
const COMPARED_ROWS = 500;

/**
 * The largest difference to the reference's distances over the first rows; infinite when the hits themselves differ.
 *
 * @param threshold of every target, so that some rows hit
 */
export async function scanError(
  engine: DistanceEngine,
  { data, rows, dim }: EmbeddingRows,
  targets: TargetMatrix,
  threshold: number,
): Promise<number> {
  const count = Math.min(COMPARED_ROWS, rows);
  const few = { data: data.subarray(0, count * dim), rows: count, dim };
  const loose = { ...targets, thresholds: new Float32Array(targets.targets).fill(threshold) };
  const reference = createReferenceDistanceEngine();
  const want = await reference.scan(few, loose, { mode: 'all' });
  const got = await engine.scan(few, loose, { mode: 'all' });
  if (want.length !== got.length) return Number.POSITIVE_INFINITY;
  return want.reduce((worst, hit, i) => {
    const same = got[i]!.row === hit.row && got[i]!.target === hit.target;
    return same ? Math.max(worst, Math.abs(got[i]!.distance - hit.distance)) : Number.POSITIVE_INFINITY;
  }, 0);
}
