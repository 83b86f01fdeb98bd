import { throwIfAborted } from '../../errors/index.js';
import type { DistanceEngine } from '../contract.js';
import { assertScanArguments, rowAsF32 } from '../embedding-rows.js';
import { HitCollector } from '../hit-collector.js';
import { cosineDistance } from './competition.js';

/**
 * The oracle for distance engines: the protocol's distance of every row to every target, single-threaded, never yields.
 */
export function createReferenceDistanceEngine(): DistanceEngine {
  return {
    name: 'reference',
    device: 'cpu',
    async scan(rows, targets, options) {
      assertScanArguments(rows, targets, options);
      const { dim } = rows;
      const collector = new HitCollector(targets, options);
      const scratch = new Float32Array(dim);
      for (let row = 0; row < rows.rows && !collector.done; row++) {
        throwIfAborted(options.signal, 'scanning embeddings');
        const vector = rowAsF32(rows, row, scratch);
        for (let t = 0; t < targets.targets; t++) {
          collector.offer(row, t, cosineDistance(vector, targets.data.subarray(t * dim, (t + 1) * dim)));
        }
      }
      throwIfAborted(options.signal, 'scanning embeddings');
      return collector.hits();
    },
    async close() {},
  };
}
