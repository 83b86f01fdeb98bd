import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Hit, TargetMatrix } from '../engine/contract.js';
import { throwIfAborted, toQuarryError } from '../errors/index.js';
import { type RowScanner, type RowSelection, type SelectionScanOptions, SKIPPED_TABLE } from './row-scanner.js';

/** Positions looked at between two turns of the event loop. */
const BLOCK = 8192;
/** Rows of one block are read in one piece when they lie in a span at most this many times as long. */
const MAX_SPREAD = 4;

/** Cosine distance in f32 from f64 sums, or NaN when a vector is zero or not finite. */
export function cosineDistance(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  const distance = Math.fround(1 - dot / (Math.sqrt(aa) * Math.sqrt(bb)));
  return Number.isFinite(distance) ? distance : Number.NaN;
}

/** The threshold a distance must not exceed, in f32. */
export function effectiveThreshold(threshold: number, margin: number): number {
  return margin === 0 ? threshold : Math.fround(threshold - margin);
}

class RowReader {
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

/** Orders hits as the distance contract states and keeps the nearest `limit` of each target in mode `closest`. */
export function orderHits(hits: Hit[], options: SelectionScanOptions): Hit[] {
  if (options.mode !== 'closest') return hits.sort((a, b) => a.target - b.target || a.row - b.row);
  hits.sort((a, b) => a.target - b.target || a.distance - b.distance || a.row - b.row);
  const kept = new Map<number, number>();
  return hits.filter((hit) => {
    const count = kept.get(hit.target) ?? 0;
    kept.set(hit.target, count + 1);
    return count < (options.limit ?? 1);
  });
}

function invNorm(values: Float32Array, from: number, dim: number): number {
  let sum = 0;
  for (let i = from; i < from + dim; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

async function scanFiles(
  selection: RowSelection,
  targets: TargetMatrix,
  options: SelectionScanOptions,
): Promise<Hit[]> {
  const { dim } = selection;
  const reader = new RowReader(selection);
  const norms = Float64Array.from({ length: targets.targets }, (_, t) => invNorm(targets.data, t * dim, dim));
  const thresholds = targets.thresholds.map((threshold) => effectiveThreshold(threshold, options.margin ?? 0));
  let open = Array.from({ length: targets.targets }, (_, t) => t);
  const hits: Hit[] = [];
  const block = new Float32Array(BLOCK * dim);
  try {
    // Short first blocks: an early hit should not wait for a long read.
    let size = 64;
    for (
      let from = options.from ?? 0;
      from < selection.count && open.length > 0;
      from += size, size = Math.min(size * 4, BLOCK)
    ) {
      throwIfAborted(options.signal, 'the distance scan');
      const to = Math.min(from + size, selection.count);
      const rows = block.subarray(0, (to - from) * dim);
      reader.block(from, to, rows);
      for (let p = from; p < to && open.length > 0; p++) {
        if (selection.tables[p] === SKIPPED_TABLE) continue;
        const base = (p - from) * dim;
        const norm = invNorm(rows, base, dim);
        for (const t of open) {
          let dot = 0;
          for (let i = 0, j = t * dim; i < dim; i++, j++) dot += rows[base + i]! * targets.data[j]!;
          const distance = Math.fround(1 - dot / (norm * norms[t]!));
          if (!(distance <= thresholds[t]!) || !Number.isFinite(distance)) continue;
          hits.push({ row: p, target: t, distance });
          if (options.mode === 'first') open = open.filter((other) => other !== t);
        }
      }
      if (to < selection.count) await nextTurn();
    }
  } finally {
    reader.close();
  }
  return orderHits(hits, options);
}

/** The scanner that needs nothing but Node: reads f32 rows with ordinary file reads. */
export function createFileScanner(): RowScanner {
  return { name: 'files', scan: scanFiles, release: () => {}, close: async () => {} };
}
