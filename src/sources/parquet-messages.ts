/** A column at the top of a Parquet file's schema. */
export interface ParquetColumn {
  readonly name: string;
  readonly isNested: boolean;
  /** Whether the file says that it holds text. */
  readonly isText: boolean;
}

/** What a Parquet file says of itself. */
export interface ParquetDescription {
  readonly columns: readonly ParquetColumn[];
  /** Rows of each row group. */
  readonly groupRows: readonly number[];
}

export type ParquetRows = Record<string, unknown>[];

/** To the thread that decodes. One request at a time: it opens a file, then reads of it. */
export type ToParquetThread =
  | { readonly openBytes: number }
  | { readonly group: number; readonly columns: readonly string[] }
  /** The bytes that the thread asked for; absent when they could not be read. */
  | { readonly slice: number; readonly bytes: Uint8Array | undefined };

/** From that thread: bytes it needs, or what came of the request. */
export type FromParquetThread =
  | { readonly slice: number; readonly start: number; readonly end: number }
  | { readonly value: ParquetDescription | ParquetRows }
  | { readonly failure: string };
