import type { Hit, ScanOptions, TargetMatrix } from '../engine/contract.js';

/** The files that hold one model's rows, `[rows, dim]` little-endian without a header. */
export interface RowTable {
  readonly f32Path: string;
  readonly bf16Path: string;
  /** Rows that are complete; a file may be longer. */
  readonly rows: number;
}

/** Rows picked from several tables: position p is row `rows[p]` of table `tables[p]`; table 255 is skipped. */
export interface RowSelection {
  readonly sources: readonly RowTable[];
  readonly tables: Uint8Array;
  readonly rows: Uint32Array;
  readonly count: number;
  readonly dim: number;
}

/** The table number of a position that is never scanned. */
export const SKIPPED_TABLE = 255;

/** How a selection is scanned. */
export interface SelectionScanOptions extends ScanOptions {
  /** First position looked at. Default 0. */
  readonly from?: number | undefined;
}

/**
 * Searches rows where they lie on disk. Whatever happens on the way, hits are decided by the f32 rows, so every scanner
 * gives the same hits.
 */
export interface RowScanner {
  readonly name: string;
  /** Hits by position, in the order the distance contract states. */
  scan(selection: RowSelection, targets: TargetMatrix, options: SelectionScanOptions): Promise<Hit[]>;
  /** Forgets what it keeps of files that are about to go away. */
  release(paths: readonly string[]): void;
  /** Unmaps files and frees device memory. */
  close(): Promise<void>;
}
