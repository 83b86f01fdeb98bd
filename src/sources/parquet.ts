import { QuarryError, throwIfAborted } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { LeftOut, type OnLeftOut } from './left-out.js';
import { openParquet, type ParquetFile } from './parquet-file.js';
import type { ParquetColumn } from './parquet-messages.js';
import { KNOWN_FIELDS, textOf } from './text-field.js';

/**
 * The text of every row of a Parquet file. Reads one row group at a time, and only the text column. Rows without text
 * are skipped; damaged row groups are left out.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Parquet, or has no column of that name or none with text
 */
export async function* readParquet(
  name: string,
  file: RandomAccess,
  options: DecodeOptions,
  signal?: AbortSignal,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<SourceDocument> {
  const opened = await openParquet(name, file, { limitMs: options.maxDecodeMs });
  try {
    yield* textsOf(name, opened, options, signal, onLeftOut);
  } finally {
    opened.close();
  }
}

async function* textsOf(
  name: string,
  { columns: present, rows, groups }: ParquetFile,
  options: DecodeOptions,
  signal?: AbortSignal,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<SourceDocument> {
  const columns = textColumns(name, present, options.field);
  const leftOut = new LeftOut(onLeftOut);
  let documents = 0;
  for (const { start, read } of groups) {
    throwIfAborted(signal, `reading ${name}`);
    try {
      // One column at a time: the first one usually has the text.
      const texts = await textsOfGroup(columns, (column) => read([column]));
      for (const [i, text] of texts.entries()) {
        if (text === undefined) continue;
        documents++;
        yield { origin: `${name}#${start + i}`, pieces: once(new TextEncoder().encode(text)) };
      }
    } catch (error) {
      if (!(error instanceof QuarryError) || error.code !== 'DATA_INVALID') throw error;
      leftOut.add(`${name}#${start}`, error);
    }
  }
  if (documents === 0 && leftOut.error !== undefined) throw leftOut.error;
  if (documents === 0 && rows > 0) throw noText(name, present, `no text in ${columns.join(', ')}`);
  leftOut.finish();
}

/** The texts of a row group, from the first column that has any. */
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

/** Columns to try for text, best first: the requested one, the well-known ones, or the only string column. */
function textColumns(name: string, present: readonly ParquetColumn[], field: string | undefined): readonly string[] {
  const names = present.map((column) => column.name);
  if (field !== undefined) {
    if (names.includes(field)) return [field];
    throw noText(name, present, `no column "${field}"`);
  }
  const known = KNOWN_FIELDS.filter((column) => names.includes(column));
  if (known.length > 0) return known;
  const strings = present.filter(({ isText }) => isText);
  const only = strings[0]?.name;
  if (only === undefined || strings.length > 1) throw noText(name, present, 'no column known to hold text');
  return [only];
}

function noText(name: string, present: readonly ParquetColumn[], what: string): QuarryError {
  const columns = present.map((column) => (column.isNested ? `${column.name} (nested)` : column.name));
  return new QuarryError('DATA_INVALID', `${name} has ${what}; its columns are ${columns.slice(0, 20).join(', ')}`, {
    hint: `text is looked for in ${KNOWN_FIELDS.join(', ')}`,
  });
}
