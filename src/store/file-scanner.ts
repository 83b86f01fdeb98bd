import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hit, TargetMatrix } from '../engine/contract.js';
import { HitCollector } from '../engine/hit-collector.js';
import { SCREEN_SLACK } from '../engine/js/distance.js';
import { cosineDistance, norm } from '../engine/reference/competition.js';
import { throwIfAborted } from '../errors/index.js';
import { RowReader } from './row-reader.js';
import type { RowScanner, RowSelection, SelectionScanOptions } from './row-scanner.js';

/** Positions scanned between two turns of the event loop. */
const BLOCK = 8192;

async function scanFiles(
  selection: RowSelection,
  targets: TargetMatrix,
  options: SelectionScanOptions,
): Promise<Hit[]> {
  const { dim } = selection;
  const reader = new RowReader(selection);
  const collector = new HitCollector(targets, options);
  const vectors = Array.from({ length: targets.targets }, (_, t) => targets.data.subarray(t * dim, (t + 1) * dim));
  const norms = vectors.map(norm);
  const block = new Float32Array(BLOCK * dim);
  try {
    // Start with short blocks, so that an early hit does not wait for a long read.
    let size = 64;
    for (let from = options.from ?? 0; from < selection.count && !collector.done; from += size) {
      throwIfAborted(options.signal, 'the distance scan');
      if (from > (options.from ?? 0)) {
        await nextTurn();
        size = Math.min(size * 4, BLOCK);
      }
      const to = Math.min(from + size, selection.count);
      reader.block(from, to, block.subarray(0, (to - from) * dim));
      for (let p = from; p < to && !collector.done; p++) {
        const row = block.subarray((p - from) * dim, (p - from + 1) * dim);
        const length = norm(row);
        for (const [t, target] of vectors.entries()) {
          const limit = collector.limit(t);
          if (limit === Number.NEGATIVE_INFINITY) continue;
          let dot = 0;
          for (let i = 0; i < dim; i++) dot += row[i]! * target[i]!;
          // Screen with the fast distance; the f32 one decides.
          if (1 - dot / (length * norms[t]!) > limit + SCREEN_SLACK) continue;
          collector.offer(p, t, cosineDistance(row, target));
        }
      }
    }
  } finally {
    reader.close();
  }
  return collector.hits();
}

/** The portable scanner: reads f32 rows with ordinary file reads. */
export function createFileScanner(): RowScanner {
  return { name: 'files', scan: scanFiles, release: () => {}, close: async () => {} };
}
