/** A top-level column in a Parquet schema. */
export interface ParquetColumn {
  readonly name: string;
  readonly isNested: boolean;
  /** Whether the schema declares it as text. */
  readonly isText: boolean;
}

/** Metadata of a Parquet file. */
export interface ParquetDescription {
  readonly columns: readonly ParquetColumn[];
  /** Number of rows of each row group. */
  readonly groupRows: readonly number[];
}

export type ParquetRows = Record<string, unknown>[];

/** Messages to the decoding thread. One request at a time: opens a file, then reads from it. */
export type ToParquetThread =
  | { readonly openBytes: number }
  | { readonly group: number; readonly columns: readonly string[] }
  /** The requested bytes; absent if they could not be read. */
  | { readonly slice: number; readonly bytes: Uint8Array | undefined };

/** Messages from the decoding thread: bytes it needs, or the result of the request. */
export type FromParquetThread =
  | { readonly slice: number; readonly start: number; readonly end: number }
  | { readonly value: ParquetDescription | ParquetRows }
  | { readonly failure: string };
