/** One thing a source holds: a file, an archive member, a row. Its bytes come in pieces, in order. */
export interface SourceDocument {
  /** Where it came from, for people: a path, `archive.tar!member`, `dataset/file.parquet#row`. Never a signed link. */
  readonly origin: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Yields documents. The order is stable for the same input, so that a position can be returned to. */
export interface DocumentSource {
  readonly name: string;
  documents(signal?: AbortSignal): AsyncIterable<SourceDocument>;
}

/** Bytes to score, at most as large as the protocol takes. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly origin: string;
}
