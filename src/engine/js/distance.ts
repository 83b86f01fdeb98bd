import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../../errors/index.js';
import type { DistanceEngine, EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../contract.js';
import { assertScanArguments, rowAsF32 } from '../embedding-rows.js';
import { HitCollector } from '../hit-collector.js';
import { cosineDistance, norm } from '../reference/competition.js';
import { dot } from './dot.js';

/** Multiply-adds between yields to the event loop and checks of the signal; about 20 ms. */
const WORK_PER_TURN = 16_000_000;

/** Largest difference between the fast f64 distance, which screens, and the f32 one, which decides. */
export const SCREEN_SLACK = 1e-5;

/** The portable distance engine: TypeScript, single-threaded. */
export function createJsDistanceEngine(): DistanceEngine {
  return { name: 'js', device: 'cpu', scan, async close() {} };
}

async function scan(rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): Promise<Hit[]> {
  assertScanArguments(rows, targets, options);
  const { dim } = rows;
  const collector = new HitCollector(targets, options);
  const vectors = Array.from({ length: targets.targets }, (_, t) => targets.data.subarray(t * dim, (t + 1) * dim));
  const norms = vectors.map(norm);
  const scratch = new Float32Array(dim);
  const rowsPerTurn = Math.max(1, Math.floor(WORK_PER_TURN / (dim * (targets.targets + 1))));
  for (let row = 0; row < rows.rows && !collector.done; row++) {
    if (row % rowsPerTurn === 0) {
      throwIfAborted(options.signal, 'scanning embeddings');
      if (row > 0) await setImmediate();
    }
    const vector = rowAsF32(rows, row, scratch);
    const length = norm(vector);
    for (const [t, target] of vectors.entries()) {
      const limit = collector.limit(t);
      if (limit === Number.NEGATIVE_INFINITY) continue;
      if (1 - dot(vector, 0, target, 0, dim) / (length * norms[t]!) > limit + SCREEN_SLACK) continue;
      collector.offer(row, t, cosineDistance(vector, target));
    }
  }
  throwIfAborted(options.signal, 'scanning embeddings');
  return collector.hits();
}
