import type { OnLeftOut } from './left-out.js';

/** One thing a source holds: a file, an archive member, a row. Its bytes come in pieces, in order. */
export interface SourceDocument {
  /** Where it came from, for people: a path, `archive.tar!member`, `data.parquet#12`. Never a signed link. */
  readonly origin: string;
  /** Read at most once, before the next document is asked for. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** A failure to read it costs this document only: those behind it can be read all the same. */
  readonly independent?: boolean | undefined;
}

/** A file, wherever it lies: what resuming counts and shuffling moves. */
export interface SourceUnit {
  readonly name: string;
  /** Gives its bytes only once, as standard input does: it is never read again, and never counts as read before. */
  readonly readOnce?: boolean | undefined;
  /**
   * The documents of the unit, in order; throws on the way where it cannot be read.
   *
   * @param onLeftOut called with records that are left out, each time the unit is read
   */
  documents(signal?: AbortSignal, onLeftOut?: OnLeftOut): AsyncIterable<SourceDocument>;
}

/** Bytes to score, at most as large as the protocol takes. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly origin: string;
  /** Every unit before this index has been read, or declared unreadable: where a later run may begin. */
  readonly unit: number;
}

/** How documents are found inside a file. */
export interface DecodeOptions {
  /** Column or JSON field that holds the text. Default: the first well-known one that holds text, else the only one of text. */
  readonly field?: string | undefined;
  /** Leave out files whose first bytes contain NUL. Default false. */
  readonly textOnly?: boolean | undefined;
  /** How long a Parquet file is decoded, without a byte asked for, before it is left out, milliseconds. Default 60,000. */
  readonly maxDecodeMs?: number | undefined;
}

/** Bytes at random places, for formats that are read from their end. */
export interface RandomAccess {
  readonly sizeBytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}
