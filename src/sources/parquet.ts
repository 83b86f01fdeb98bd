import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { isAbort, QuarryError, throwIfAborted } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { LeftOut, type OnLeftOut } from './left-out.js';
import { KNOWN_FIELDS, textOf } from './text-field.js';

/**
 * The text of every row of a Parquet file, read one row group at a time, and of it only the column that holds the text.
 * Rows without text are skipped; a row group that is damaged is left out.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Parquet, has no column of that name or none that holds text
 */
export async function* readParquet(
  name: string,
  file: RandomAccess,
  options: DecodeOptions,
  signal?: AbortSignal,
  onLeftOut?: OnLeftOut,
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
  const columns = textColumns(name, metadata, options.field);
  const leftOut = new LeftOut(onLeftOut);
  let start = 0;
  let documents = 0;
  for (const group of metadata.row_groups) {
    throwIfAborted(signal, `reading ${name}`);
    const end = start + Number(group.num_rows);
    // A column chunk is the unit the format compresses: reading less than a row group fetches it again and again.
    const readColumn = (column: string): Promise<Record<string, unknown>[]> =>
      parquetReadObjects({ file: buffer, metadata, compressors, rowStart: start, rowEnd: end, columns: [column] });
    try {
      const texts = await textsOfGroup(columns, readColumn);
      for (const [i, text] of texts.entries()) {
        if (text === undefined) continue;
        documents++;
        yield { origin: `${name}#${start + i}`, pieces: once(new TextEncoder().encode(text)) };
      }
    } catch (error) {
      if (isAbort(error)) throw error;
      const failure = invalid(error);
      if (failure.code !== 'DATA_INVALID') throw failure;
      leftOut.add(`${name}#${start}`, failure);
    }
    start = end;
  }
  if (documents === 0 && leftOut.error !== undefined) throw leftOut.error;
  if (documents === 0 && start > 0) throw noText(name, metadata, `no text in ${columns.join(', ')}`);
  leftOut.finish();
}

/** The texts of a row group: of the first column that has any. */
async function textsOfGroup(
  columns: readonly string[],
  readColumn: (column: string) => Promise<Record<string, unknown>[]>,
): Promise<(string | undefined)[]> {
  for (const column of columns) {
    const texts = (await readColumn(column)).map((row) => textOf(row, column));
    if (texts.some((text) => text !== undefined)) return texts;
  }
  return [];
}

/** The columns to look for text in, best first: the one asked for, the well-known ones, else the only one of strings. */
function textColumns(name: string, metadata: FileMetaData, field: string | undefined): readonly string[] {
  const top = parquetSchema(metadata).children;
  const names = top.map(({ element }) => element.name);
  if (field !== undefined) {
    if (names.includes(field)) return [field];
    throw noText(name, metadata, `no column "${field}"`);
  }
  const known = KNOWN_FIELDS.filter((column) => names.includes(column));
  if (known.length > 0) return known;
  const strings = top.filter(({ element }) => element.converted_type === 'UTF8');
  const only = strings[0]?.element.name;
  if (only === undefined || strings.length > 1) throw noText(name, metadata, 'no column known to hold text');
  return [only];
}

function noText(name: string, metadata: FileMetaData, what: string): QuarryError {
  const columns = parquetSchema(metadata).children.map(({ element, children }) =>
    children.length > 0 ? `${element.name} (nested)` : element.name,
  );
  return new QuarryError('DATA_INVALID', `${name} has ${what}; its columns are ${columns.slice(0, 20).join(', ')}`, {
    hint: `text is looked for in ${KNOWN_FIELDS.join(', ')}`,
  });
}
