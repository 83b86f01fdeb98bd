import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { QuarryError } from '../errors/index.js';
import type { RandomAccess } from './contract.js';

/** The rows of one row group: what Parquet compresses together. */
export interface RowGroup {
  /** Index of its first row in the file. */
  readonly start: number;
  /** @throws QuarryError `DATA_INVALID` when the group is damaged */
  read(columns: readonly string[]): Promise<Record<string, unknown>[]>;
}

/** A Parquet file whose description has been read. */
export interface ParquetFile {
  readonly metadata: FileMetaData;
  readonly groups: readonly RowGroup[];
}

/**
 * Reads the description at the end of a file.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Parquet
 */
export async function openParquet(name: string, file: RandomAccess): Promise<ParquetFile> {
  const buffer = {
    byteLength: file.sizeBytes,
    slice: async (start: number, end = file.sizeBytes): Promise<ArrayBuffer> => {
      const bytes = await file.read(start, end);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
  const invalid = (cause: unknown): never => {
    throw cause instanceof QuarryError
      ? cause
      : new QuarryError('DATA_INVALID', `${name} is not valid Parquet`, { cause });
  };
  const metadata = await parquetMetadataAsync(buffer).catch(invalid);
  let end = 0;
  const groups = metadata.row_groups.map((group): RowGroup => {
    const start = end;
    end += Number(group.num_rows);
    const range = { file: buffer, metadata, compressors, rowStart: start, rowEnd: end };
    return { start, read: (columns) => parquetReadObjects({ ...range, columns: [...columns] }).catch(invalid) };
  });
  return { metadata, groups };
}
