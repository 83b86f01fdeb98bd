import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../../errors/index.js';
import type { DistanceEngine, EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../contract.js';
import { assertScanArguments, rowAsF32 } from '../embedding-rows.js';
import { HitCollector } from '../hit-collector.js';
import { cosineDistance, norm } from '../reference/competition.js';

/** Multiply-adds between two looks at the signal and the event loop: about 20 ms. */
const WORK_PER_TURN = 16_000_000;

/** How far the quick f64 distance may lie from the f32 one that counts. */
const SCREEN_SLACK = 1e-5;

/** The distance engine that runs anywhere: plain TypeScript, one thread. */
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
      if (1 - dot(vector, target) / (length * norms[t]!) > limit + SCREEN_SLACK) continue;
      collector.offer(row, t, cosineDistance(vector, target));
    }
  }
  throwIfAborted(options.signal, 'scanning embeddings');
  return collector.hits();
}

/** Four partial sums, so that one addition need not wait for the one before. */
function dot(a: Float32Array, b: Float32Array): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const even = a.length & ~3;
  for (let i = 0; i < even; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = even; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}
