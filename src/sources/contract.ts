import type { OnLeftOut } from './left-out.js';

/** An item of a source: a file, an archive member, a row. Its bytes arrive in order. */
export interface SourceDocument {
  /** Human-readable origin: a path, `archive.tar!member`, `data.parquet#12`. Never a signed link. */
  readonly origin: string;
  /** Must be read at most once, before the next document is requested. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** If set, failing to read it affects only this document: the following ones can still be read. */
  readonly independent?: boolean | undefined;
}

/** A file, local or remote: the unit of resuming and shuffling. */
export interface SourceUnit {
  readonly name: string;
  /** Can be read only once, like standard input: it is never retried, and never counts as already read. */
  readonly readOnce?: boolean | undefined;
  /**
   * The documents of the unit, in order; throws if the unit becomes unreadable.
   *
   * @param onLeftOut called for each record left out, on every read of the unit
   */
  documents(signal?: AbortSignal, onLeftOut?: OnLeftOut): AsyncIterable<SourceDocument>;
}

/** Bytes to score, at most the protocol's maximum. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly origin: string;
  /** All units before this index have been read or given up: a later run can start here. */
  readonly unit: number;
}

/** How to find documents in a file. */
export interface DecodeOptions {
  /**
   * Column or JSON field that holds the text. Default: the first well-known field that has text, or the only text
   * field.
   */
  readonly field?: string | undefined;
  /** Leave out files with NUL in their first bytes. Default false. */
  readonly textOnly?: boolean | undefined;
  /**
   * Time limit for decoding a Parquet file without reading more bytes, milliseconds; the file is then left out. Default
   * 60,000.
   */
  readonly maxDecodeMs?: number | undefined;
}

/** Random access, for formats that are read from their end. */
export interface RandomAccess {
  readonly sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}
