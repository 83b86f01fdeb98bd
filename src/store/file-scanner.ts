import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hit, TargetMatrix } from '../engine/contract.js';
import { HitCollector } from '../engine/hit-collector.js';
import { SCREEN_SLACK } from '../engine/js/distance.js';
import { cosineDistance, norm } from '../engine/reference/competition.js';
import { throwIfAborted, toQuarryError } from '../errors/index.js';
import type { RowScanner, RowSelection, SelectionScanOptions } from './row-scanner.js';

/** Positions scanned between two turns of the event loop. */
const BLOCK = 8192;
/** Rows of a block are read in one piece if they span at most this many times their own size. */
const MAX_SPREAD = 4;

/** Reads selected rows with ordinary file reads. */
export class RowReader {
  readonly #selection: RowSelection;
  readonly #files = new Map<number, number>();

  constructor(selection: RowSelection) {
    this.#selection = selection;
  }

  /** Rows of positions `[from, to)` as `[to - from, dim]` f32. Skipped positions stay zero, so they never hit. */
  block(from: number, to: number, out: Float32Array): void {
    const { tables, rows, dim, sources } = this.#selection;
    const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    const rowBytes = dim * 4;
    out.fill(0);
    sources.forEach((_source, table) => {
      let low = Number.POSITIVE_INFINITY;
      let high = -1;
      let used = 0;
      for (let p = from; p < to; p++) {
        if (tables[p] !== table) continue;
        low = Math.min(low, rows[p]!);
        high = Math.max(high, rows[p]!);
        used++;
      }
      if (used === 0) return;
      const span = high - low + 1;
      const whole = span <= used * MAX_SPREAD ? new Uint8Array(span * rowBytes) : undefined;
      if (whole !== undefined) this.#read(table, whole, low * rowBytes);
      for (let p = from; p < to; p++) {
        if (tables[p] !== table) continue;
        const target = bytes.subarray((p - from) * rowBytes, (p - from + 1) * rowBytes);
        if (whole === undefined) this.#read(table, target, rows[p]! * rowBytes);
        else target.set(whole.subarray((rows[p]! - low) * rowBytes, (rows[p]! - low + 1) * rowBytes));
      }
    });
  }

  #read(table: number, out: Uint8Array, position: number): void {
    const path = this.#selection.sources[table]!.f32Path;
    try {
      let file = this.#files.get(table);
      if (file === undefined) {
        file = openSync(path, 'r');
        this.#files.set(table, file);
      }
      for (let done = 0; done < out.length; ) {
        const count = readSync(file, out, done, out.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw toQuarryError(error, `reading ${path}`);
    }
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
  }
}

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
