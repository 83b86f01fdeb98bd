import type { Precision } from '../engine/contract.js';
import type { RowScanner } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { ScoreLog } from './score-log.js';
import type { WinnerIndexes } from './winner-indexes.js';

/** Where a store lies and how it is opened. */
export interface StoreOptions {
  /** Its directory; made when it does not exist and the store is opened for writing. */
  readonly dir: string;
  /** Width of every embedding in it. */
  readonly embeddingDim: number;
  /** Reads beside the writer; call `refresh` to see what the writer appended. Default false. */
  readonly readonly?: boolean | undefined;
  /**
   * `power`: an acknowledged append survives power loss. `process`: it survives the death of the process only, and
   * small appends are much faster. Default `power`.
   */
  readonly durability?: 'power' | 'process' | undefined;
}

/** What a store works with. */
export interface StoreDeps {
  /**
   * Searches rows on disk; the store closes it, also where the store cannot be opened. Default: the native core's, or plain
   * file reads where there is none.
   */
  readonly scanner?: RowScanner | undefined;
}

/** One sample to append. */
export interface SampleInput {
  readonly bytes: Uint8Array;
  /** Where the bytes came from, for people: a path, a URL. Default empty. */
  readonly origin?: string | undefined;
  /** BLAKE2b-256 of `bytes` when the caller already has it. */
  readonly checksum?: Uint8Array | undefined;
}

/** What became of a sample. */
export interface AppendedSample {
  readonly id: number;
  readonly checksum: Uint8Array;
  /** The store, or the same batch, already had these bytes. */
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

/** A sample as it lies in the store. */
export interface StoredSample {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly checksum: Uint8Array;
  readonly origin: string;
}

/** A score as it lies in the store. */
export interface StoredScore {
  readonly loss: number;
  readonly embedding: Float32Array;
  readonly precision: Precision;
}

/** What opening found damaged or unfinished, and set right. */
export interface StoreRepairs {
  /** Committed records that were damaged or cut off, and are gone. */
  readonly samplesLost: number;
  readonly scoresLost: number;
  /** Whole records that were written but not yet committed when the last writer died. */
  readonly samplesAdopted: number;
  readonly scoresAdopted: number;
  /** The index database was missing or damaged. */
  readonly indexRebuilt: boolean;
}

/** The parts of a store, for maintenance inside this folder. */
export interface StoreInternals {
  readonly dir: string;
  readonly samples: SampleLog;
  readonly logs: ReadonlyMap<string, ScoreLog>;
  readonly sets: WinnerIndexes;
  /** Removes a model's scores. */
  drop(id: string): Promise<void>;
}
