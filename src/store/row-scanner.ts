import type { Hit, ScanOptions, TargetMatrix } from '../engine/contract.js';

/** Files of one model's rows, `[rows, dim]` little-endian without a header. */
export interface RowTable {
  readonly f32Path: string;
  readonly bf16Path: string;
  /** Number of complete rows; the files may be longer. */
  readonly rows: number;
}

/** Rows selected from several tables: position p is row `rows[p]` of table `tables[p]`; table 255 is skipped. */
export interface RowSelection {
  readonly sources: readonly RowTable[];
  readonly tables: Uint8Array;
  readonly rows: Uint32Array;
  readonly count: number;
  readonly dim: number;
}

/** Table number of positions that are skipped. */
export const SKIPPED_TABLE = 255;

/** Options of {@link RowScanner.scan}. */
export interface SelectionScanOptions extends ScanOptions {
  /** First position to scan. Default 0. */
  readonly from?: number | undefined;
}

/**
 * Searches rows on disk. However a scanner screens them, the f32 rows decide, so that all scanners return the same
 * hits.
 */
export interface RowScanner {
  readonly name: string;
  /** Returns hits by position, in the order defined by the distance contract. */
  scan(selection: RowSelection, targets: TargetMatrix, options: SelectionScanOptions): Promise<Hit[]>;
  /** Releases caches of files that are about to be deleted. */
  release(paths: readonly string[]): void;
  /** Unmaps files and frees device memory. */
  close(): Promise<void>;
}
