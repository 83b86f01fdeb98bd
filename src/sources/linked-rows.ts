import { isAbort, QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { type HttpClient, redactUrl } from '../net/index.js';
import { gunzip } from './compression.js';
import { type Contents, contentsInOrder, type LinkedRow } from './contents-in-order.js';
import type { SourceUnit } from './contract.js';
import { rangeAccess } from './http.js';
import type { DatasetFile } from './hugging-face.js';
import { once } from './jsonl.js';
import { openParquet, type RowGroup } from './parquet-file.js';
import { columnsOf, type LinkedContents, urlOfRow } from './url-template.js';

/** Maximum overhead of gzip on small files. */
const GZIP_BYTES = 1024;

type Row = Readonly<Record<string, unknown>>;

/**
 * A dataset's Parquet file whose rows refer to contents elsewhere. Yields one document per row, decoded to UTF-8. The
 * unit's name includes the location of the contents: the same rows with contents from elsewhere are another unit.
 */
export function linkedUnit({ url, headers }: DatasetFile, http: HttpClient, contents: LinkedContents): SourceUnit {
  return {
    name: `${url} with ${redactUrl(contents.url)}`,
    async *documents(signal, onLeftOut) {
      const file = await openParquet(url, await rangeAccess(url, http, headers, signal));
      try {
        const { encodingColumn, sizeColumn } = contents;
        const columns = [...columnsOf(contents.url), encodingColumn, sizeColumn].filter((name) => name !== undefined);
        const present = file.columns.map(({ name }) => name);
        const absent = columns.find((name) => !present.includes(name));
        if (absent !== undefined) {
          throw new QuarryError(
            'DATA_INVALID',
            `${url} has no column "${absent}"; its columns are ${present.join(', ')}`,
          );
        }
        const fetched = (row: Row): Promise<Contents> => fetchRow(row, http, contents, signal);
        yield* contentsInOrder(rowsOf(url, file.groups, columns, signal), fetched, { onLeftOut, signal });
      } finally {
        file.close();
      }
    },
  };
}

async function* rowsOf(
  name: string,
  groups: readonly RowGroup[],
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<LinkedRow<Row>> {
  for (const { start, read } of groups) {
    throwIfAborted(signal, `reading ${name}`);
    for (const [i, row] of (await read(columns)).entries()) yield { origin: `${name}#${start + i}`, row };
  }
}

/**
 * The row's contents in UTF-8; undefined if there are none or too many. Returns errors instead of throwing, except when
 * aborted.
 */
async function fetchRow(
  row: Row,
  http: HttpClient,
  { url, encodingColumn, sizeColumn, maxBytes }: LinkedContents,
  signal?: AbortSignal,
): Promise<Contents> {
  const address = urlOfRow(url, row);
  if (address === undefined || (sizeColumn !== undefined && Number(row[sizeColumn]) > maxBytes)) return undefined;
  const where = redactUrl(address);
  try {
    const packed = await http.bytes({ url: address, maxBytes: maxBytes + GZIP_BYTES, signal });
    const bytes = await unpacked(where, packed, maxBytes);
    return bytes === undefined ? undefined : inUtf8(where, bytes, encodingColumn && row[encodingColumn]);
  } catch (error) {
    if (isAbort(error)) throw error;
    const failure = toQuarryError(error, `reading ${where}`);
    return failure.code === 'DATA_TOO_LARGE' ? undefined : failure;
  }
}

async function unpacked(name: string, packed: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
  const isGzip = packed[0] === 0x1f && packed[1] === 0x8b;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of isGzip ? gunzip(name, once(packed)) : once(packed)) {
    size += piece.length;
    if (size > maxBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** @throws QuarryError `DATA_INVALID` when the encoding is unknown or the bytes do not match it */
function inUtf8(name: string, bytes: Uint8Array, encoding: unknown): Uint8Array {
  const label = typeof encoding === 'string' && encoding !== '' ? encoding.replaceAll('_', '-') : 'utf-8';
  if (/^(utf-?8|us-?ascii|ascii)$/i.test(label)) return bytes;
  try {
    return new TextEncoder().encode(new TextDecoder(label, { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new QuarryError('DATA_INVALID', `${name} cannot be decoded as ${label.slice(0, 40)}`, { cause });
  }
}
