import type { DistanceEngine, Hit, TargetMatrix } from '../engine/contract.js';
import { HitCollector } from '../engine/hit-collector.js';
import { throwIfAborted } from '../errors/index.js';
import { RowReader } from './row-reader.js';
import type { RowScanner, RowSelection, SelectionScanOptions } from './row-scanner.js';

/** Positions per block. The first block is small, so that an early hit does not wait for a long read. */
const FIRST_BLOCK = 1024;
const BLOCK = 16_384;

/** A scanner on any distance engine: reads blocks of f32 rows and passes them to the engine. */
export function createEngineScanner(engine: DistanceEngine): RowScanner {
  return {
    name: engine.name,
    scan: (selection, targets, options) => scanBlocks(engine, selection, targets, options),
    release: () => {},
    close: () => engine.close(),
  };
}

async function scanBlocks(
  engine: DistanceEngine,
  selection: RowSelection,
  targets: TargetMatrix,
  options: SelectionScanOptions,
): Promise<Hit[]> {
  const { dim, count } = selection;
  const reader = new RowReader(selection);
  const collector = new HitCollector(targets, options);
  const control = { signal: options.signal };
  try {
    let size = FIRST_BLOCK;
    for (let from = options.from ?? 0; from < count && !collector.done; ) {
      throwIfAborted(options.signal, 'the distance scan');
      const to = Math.min(from + size, count);
      const data = new Float32Array((to - from) * dim);
      reader.block(from, to, data);
      const rows = { data, rows: to - from, dim };
      const hits = await engine.scan(rows, targets, { mode: 'all', margin: options.margin ?? 0, ...control });
      // `first` goes by row order within a block, but the engine groups hits by target.
      for (const { row, target, distance } of hits) {
        if (distance <= collector.limit(target)) collector.offer(from + row, target, distance);
      }
      from = to;
      size = BLOCK;
    }
  } finally {
    reader.close();
  }
  return collector.hits();
}
