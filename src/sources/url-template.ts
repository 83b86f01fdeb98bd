import { QuarryError } from '../errors/index.js';

/** Where to fetch the contents that a dataset's rows refer to. */
export interface LinkedContents {
  /** URL with `{column}` placeholders for column values. */
  readonly url: string;
  /** Column with the contents' character encoding. Default: UTF-8. */
  readonly encodingColumn?: string | undefined;
  /** Column with the contents' size in bytes; larger contents are not fetched. */
  readonly sizeColumn?: string | undefined;
  /** Maximum size of the decompressed contents, bytes; larger ones are left out. */
  readonly maxBytes: number;
}

/** The Stack v2 as in its public quickstart: the files are in the Software Heritage archive, which is open to all. */
export const STACK_V2 =
  'bigcode/the-stack-v2-dedup?url=https://softwareheritage.s3.amazonaws.com/content/{blob_id}' +
  '&encoding=src_encoding&size=length_bytes&max-bytes=5000';

const DEFAULT_MAX_BYTES = 1024 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;
const COLUMN = /\{([^{}]+)\}/g;

/**
 * Parses and removes `?url=TEMPLATE[&encoding=COLUMN][&size=COLUMN][&max-bytes=N]` from a dataset's name. Write an `&`
 * in the template as `%26`.
 *
 * @returns the name, and where contents are; undefined if the dataset contains them itself
 * @throws QuarryError `INVALID_ARGUMENT` for unknown parameters, or a template that is not an http(s) URL with a column
 * in its path
 */
export function parseLinkedContents(spec: string): readonly [dataset: string, contents: LinkedContents | undefined] {
  const mark = spec.indexOf('?');
  if (mark < 0) return [spec, undefined];
  const words = new URLSearchParams(spec.slice(mark + 1));
  const invalid = (problem: string): QuarryError =>
    new QuarryError('INVALID_ARGUMENT', `"${spec}": ${problem}`, {
      hint: 'write DATASET?url=https://host/{column}[&encoding=COLUMN][&size=COLUMN][&max-bytes=N]',
    });
  const unknown = [...words.keys()].find((word) => !['url', 'encoding', 'size', 'max-bytes'].includes(word));
  if (unknown !== undefined) throw invalid(`"${unknown}" is not known`);
  const url = words.get('url') ?? '';
  const maxBytes = Number(words.get('max-bytes') ?? DEFAULT_MAX_BYTES);
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > MOST_BYTES) {
    throw invalid(`"max-bytes" expected 1 to ${MOST_BYTES}`);
  }
  // A row must never choose the host.
  if (!/^https?:\/\/[^/{}]+\//i.test(url) || !URL.canParse(url)) throw invalid('"url" expected http(s)://HOST/PATH');
  if (columnsOf(url).length === 0) throw invalid('"url" contains no {column}');
  const encodingColumn = words.get('encoding') ?? undefined;
  const sizeColumn = words.get('size') ?? undefined;
  return [spec.slice(0, mark), { url, encodingColumn, sizeColumn, maxBytes }];
}

/** The distinct columns named in a template. */
export function columnsOf(url: string): string[] {
  return [...new Set([...url.matchAll(COLUMN)].map(([, name]) => name!))];
}

/** The URL for a row; undefined if one of its columns is empty or not a plain value. */
export function urlOfRow(url: string, row: Readonly<Record<string, unknown>>): string | undefined {
  const values = columnsOf(url).map((name) => row[name]);
  const plain = values.every((value) => ['string', 'number', 'bigint'].includes(typeof value) && value !== '');
  if (!plain) return undefined;
  return url.replace(COLUMN, (_, name: string) => encodeURIComponent(String(row[name])));
}
