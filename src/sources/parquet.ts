import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { QuarryError, throwIfAborted } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { textOf } from './text-field.js';

/** Rows decoded at once: bounds memory while a column chunk is decompressed. */
const ROWS_PER_READ = 1024;

/**
 * The text of every row of a Parquet file, read in slices of rows. Rows without text are skipped.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Parquet, or has no column of that name
 */
export async function* readParquet(
  name: string,
  file: RandomAccess,
  options: DecodeOptions,
  signal?: AbortSignal,
): AsyncGenerator<SourceDocument> {
  const buffer = {
    byteLength: file.sizeBytes,
    slice: async (start: number, end = file.sizeBytes): Promise<ArrayBuffer> => {
      const bytes = await file.read(start, end);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
  const invalid = (cause: unknown): QuarryError =>
    cause instanceof QuarryError ? cause : new QuarryError('DATA_INVALID', `${name} is not valid Parquet`, { cause });
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw invalid(error);
  });
  const columns = metadata.schema.flatMap((element) => (element.num_children === undefined ? [element.name] : []));
  if (options.field !== undefined && !columns.includes(options.field)) {
    throw new QuarryError('DATA_INVALID', `${name} has no column "${options.field}"`, {
      hint: `its columns are ${columns.slice(0, 20).join(', ')}`,
    });
  }
  const rows = Number(metadata.num_rows);
  for (let start = 0; start < rows; start += ROWS_PER_READ) {
    throwIfAborted(signal, `reading ${name}`);
    const slice = await parquetReadObjects({
      file: buffer,
      metadata,
      compressors,
      rowStart: start,
      rowEnd: Math.min(rows, start + ROWS_PER_READ),
      ...(options.field !== undefined && { columns: [options.field] }),
    }).catch((error: unknown) => {
      throw invalid(error);
    });
    for (const [i, row] of slice.entries()) {
      const text = textOf(row, options.field);
      if (text !== undefined) yield { origin: `${name}#${start + i}`, pieces: once(new TextEncoder().encode(text)) };
    }
  }
}
