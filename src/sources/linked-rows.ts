import { parquetSchema } from 'hyparquet';
import { isAbort, QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import type { HttpClient } from '../http/index.js';
import { gunzip } from './compression.js';
import type { SourceDocument, SourceUnit } from './contract.js';
import { rangeAccess } from './http.js';
import type { DatasetFile } from './hugging-face.js';
import { once } from './jsonl.js';
import { LeftOut, type OnLeftOut } from './left-out.js';
import { openParquet, type RowGroup } from './parquet-file.js';
import { columnsOf, type LinkedContents, urlOfRow } from './url-template.js';

/** Contents fetched at a time: small files, each of which costs a round trip. */
const FETCHES = 16;
/** So many failures in a row that may pass are no matter of single files: the unit is read again later. */
const FAILURES_IN_A_ROW = 32;
/** gzip makes small files larger by no more than this. */
const GZIP_BYTES = 1024;

type Row = Readonly<Record<string, unknown>>;

/** A Parquet file of a dataset whose rows name their contents, as a unit: one document a row, decoded to UTF-8. */
export function linkedUnit({ url, headers }: DatasetFile, http: HttpClient, contents: LinkedContents): SourceUnit {
  return {
    name: url,
    async *documents(signal, onLeftOut) {
      const { metadata, groups } = await openParquet(url, await rangeAccess(url, http, headers, signal));
      const { encodingColumn, sizeColumn } = contents;
      const columns = [...columnsOf(contents.url), encodingColumn, sizeColumn].filter((name) => name !== undefined);
      const present = parquetSchema(metadata).children.map(({ element }) => element.name);
      const absent = columns.find((name) => !present.includes(name));
      if (absent !== undefined) {
        throw new QuarryError(
          'DATA_INVALID',
          `${url} has no column "${absent}"; its columns are ${present.join(', ')}`,
        );
      }
      const fetched = (row: Row): Promise<Uint8Array | QuarryError | undefined> =>
        fetchRow(row, http, contents, signal);
      yield* inOrder(url, rowsOf(url, groups, columns, signal), fetched, onLeftOut);
    },
  };
}

async function* rowsOf(
  name: string,
  groups: readonly RowGroup[],
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<readonly [origin: string, row: Row]> {
  for (const { start, read } of groups) {
    throwIfAborted(signal, `reading ${name}`);
    for (const [i, row] of (await read(columns)).entries()) yield [`${name}#${start + i}`, row];
  }
}

/** Documents in the order of the rows, the next few being fetched while one is read. */
async function* inOrder(
  name: string,
  rows: AsyncGenerator<readonly [origin: string, row: Row]>,
  fetched: (row: Row) => Promise<Uint8Array | QuarryError | undefined>,
  onLeftOut: OnLeftOut | undefined,
): AsyncGenerator<SourceDocument> {
  const leftOut = new LeftOut(onLeftOut);
  const ahead: (readonly [origin: string, content: Promise<Uint8Array | QuarryError | undefined>])[] = [];
  let failures = 0;
  for (let more = true; more || ahead.length > 0; ) {
    while (more && ahead.length < FETCHES) {
      const next = await rows.next();
      if (next.done) more = false;
      else {
        const content = fetched(next.value[1]);
        // Met when its turn comes.
        content.catch(() => {});
        ahead.push([next.value[0], content]);
      }
    }
    const [origin, content] = ahead.shift() ?? [name, undefined];
    const bytes = await content;
    if (bytes instanceof QuarryError) {
      if (bytes.retryable && ++failures >= FAILURES_IN_A_ROW) throw bytes;
      leftOut.add(origin, bytes);
    } else if (bytes !== undefined) {
      failures = 0;
      yield { origin, pieces: once(bytes), independent: true };
    }
  }
  leftOut.finish();
}

/** The row's contents in UTF-8; undefined where there are none or too many; the failure, unless it is an abort. */
async function fetchRow(
  row: Row,
  http: HttpClient,
  { url, encodingColumn, sizeColumn, maxBytes }: LinkedContents,
  signal?: AbortSignal,
): Promise<Uint8Array | QuarryError | undefined> {
  const address = urlOfRow(url, row);
  if (address === undefined || (sizeColumn !== undefined && Number(row[sizeColumn]) > maxBytes)) return undefined;
  try {
    const packed = await http.bytes({ url: address, maxBytes: maxBytes + GZIP_BYTES, signal });
    const bytes = await unpacked(address, packed, maxBytes);
    return bytes === undefined ? undefined : inUtf8(address, bytes, encodingColumn && row[encodingColumn]);
  } catch (error) {
    if (isAbort(error)) throw error;
    const failure = toQuarryError(error, `reading ${address}`);
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

/** @throws QuarryError `DATA_INVALID` when the encoding is unknown or the bytes are not of it */
function inUtf8(name: string, bytes: Uint8Array, encoding: unknown): Uint8Array {
  const label = typeof encoding === 'string' && encoding !== '' ? encoding.replaceAll('_', '-') : 'utf-8';
  if (/^(utf-?8|us-?ascii|ascii)$/i.test(label)) return bytes;
  try {
    return new TextEncoder().encode(new TextDecoder(label, { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new QuarryError('DATA_INVALID', `${name} cannot be decoded as ${label.slice(0, 40)}`, { cause });
  }
}
