import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { QuarryError, throwIfAborted } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { textColumn, textOf } from './text-field.js';

/**
 * The text of every row of a Parquet file, read one row group at a time, and of it only the column that holds the text.
 * Rows without text are skipped.
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
  // A column chunk is the unit the format compresses: reading less than a row group fetches it again and again.
  const column = options.field ?? textColumn(columns);
  let start = 0;
  for (const group of metadata.row_groups) {
    throwIfAborted(signal, `reading ${name}`);
    const end = start + Number(group.num_rows);
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      compressors,
      rowStart: start,
      rowEnd: end,
      ...(column !== undefined && { columns: [column] }),
    }).catch((error: unknown) => {
      throw invalid(error);
    });
    for (const [i, row] of rows.entries()) {
      const text = textOf(row, column);
      if (text !== undefined) yield { origin: `${name}#${start + i}`, pieces: once(new TextEncoder().encode(text)) };
    }
    start = end;
  }
}
