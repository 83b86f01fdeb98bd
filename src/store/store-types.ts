import type { Precision } from '../engine/contract.js';
import type { RowScanner } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { ScoreLog } from './score-log.js';
import type { WinnerIndexes } from './winner-indexes.js';

/** Options of {@link openStore}. */
export interface StoreOptions {
  /** Directory of the store; created if missing, unless opened read-only. */
  readonly dir: string;
  /** Width of all embeddings. */
  readonly embeddingDim: number;
  /** Opens alongside a writer; call `refresh` to see what it appended. Default false. */
  readonly readonly?: boolean | undefined;
  /**
   * `power`: an acknowledged append survives power loss. `process`: it survives only a crash of the process, and small
   * appends are much faster. Default `power`.
   */
  readonly durability?: 'power' | 'process' | undefined;
}

/** Dependencies of a store. */
export interface StoreDeps {
  /**
   * Scans rows on disk. The store closes it, also if opening the store fails. Default: the native core's scanner, or
   * ordinary file reads without the core.
   */
  readonly scanner?: RowScanner | undefined;
}

/** One sample to append. */
export interface SampleInput {
  readonly bytes: Uint8Array;
  /** Human-readable origin of the bytes, such as a path or URL. Default empty. */
  readonly origin?: string | undefined;
  /** BLAKE2b-256 of `bytes`, if the caller already has it. */
  readonly checksum?: Uint8Array | undefined;
}

/** Result of appending a sample. */
export interface AppendedSample {
  readonly id: number;
  readonly checksum: Uint8Array;
  /** Whether the store, or an earlier sample of the batch, already had these bytes. */
  readonly duplicate: boolean;
}

/** One score to append. */
export interface ScoreInput {
  readonly sampleId: number;
  readonly loss: number;
  /** `[embeddingDim]` */
  readonly embedding: Float32Array;
  readonly precision: Precision;
}

/** A stored sample. */
export interface StoredSample {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly checksum: Uint8Array;
  readonly origin: string;
}

/** A stored score. */
export interface StoredScore {
  readonly loss: number;
  readonly embedding: Float32Array;
  readonly precision: Precision;
}

/** Repairs made on open. */
export interface StoreRepairs {
  /** Committed records lost to damage or truncation. */
  readonly samplesLost: number;
  readonly scoresLost: number;
  /** Intact records that were written but not committed when the last writer died. */
  readonly samplesAdopted: number;
  readonly scoresAdopted: number;
  /** Whether the index database was missing or damaged. */
  readonly indexRebuilt: boolean;
}

/** Internal parts of a store, for maintenance within this folder. */
export interface StoreInternals {
  readonly dir: string;
  readonly samples: SampleLog;
  readonly logs: ReadonlyMap<string, ScoreLog>;
  readonly sets: WinnerIndexes;
  /** Removes a model's scores. */
  drop(id: string): Promise<void>;
}
