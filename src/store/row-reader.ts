import { closeSync, openSync } from 'node:fs';
import { toQuarryError } from '../errors/index.js';
import { readFully } from '../files/read-fully.js';
import type { RowSelection } from './row-scanner.js';

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
      readFully(file, out, position);
    } catch (error) {
      throw toQuarryError(error, `reading ${path}`);
    }
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
  }
}
