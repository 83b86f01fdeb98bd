import { QuarryError } from '../errors/index.js';

/** How the contents of a dataset's rows are found: the dataset names them, something else holds them. */
export interface LinkedContents {
  /** A URL with `{column}` where a column's value goes. */
  readonly url: string;
  /** Column that names the contents' character encoding. Absent: UTF-8. */
  readonly encodingColumn?: string | undefined;
  /** Column that holds the contents' size in bytes: larger ones are not fetched. */
  readonly sizeColumn?: string | undefined;
  /** Contents of more bytes, unpacked, are left out. */
  readonly maxBytes: number;
}

/** The Stack v2 as the public quickstart reads it: the Software Heritage archive holds the files, open to all. */
export const STACK_V2 =
  'bigcode/the-stack-v2-dedup?url=https://softwareheritage.s3.amazonaws.com/content/{blob_id}' +
  '&encoding=src_encoding&size=length_bytes&max-bytes=5000';

const DEFAULT_MAX_BYTES = 1024 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;
const COLUMN = /\{([^{}]+)\}/g;

/**
 * Takes `?url=TEMPLATE[&encoding=COLUMN][&size=COLUMN][&max-bytes=N]` off a dataset's name. An `&` of the template itself
 * is written `%26`.
 *
 * @returns the name, and how its contents are found; undefined where it holds them itself
 * @throws QuarryError `INVALID_ARGUMENT` for unknown words, or a template that is not an http(s) URL with a column in its path
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
  // The host is never a row's to choose.
  if (!/^https?:\/\/[^/{}]+\//i.test(url) || !URL.canParse(url)) throw invalid('"url" expected http(s)://HOST/PATH');
  if (columnsOf(url).length === 0) throw invalid('"url" contains no {column}');
  const encodingColumn = words.get('encoding') ?? undefined;
  const sizeColumn = words.get('size') ?? undefined;
  return [spec.slice(0, mark), { url, encodingColumn, sizeColumn, maxBytes }];
}

/** The columns a template names, each once. */
export function columnsOf(url: string): string[] {
  return [...new Set([...url.matchAll(COLUMN)].map(([, name]) => name!))];
}

/** The URL of a row; undefined when one of its columns is empty or no plain value. */
export function urlOfRow(url: string, row: Readonly<Record<string, unknown>>): string | undefined {
  const values = columnsOf(url).map((name) => row[name]);
  const plain = values.every((value) => ['string', 'number', 'bigint'].includes(typeof value) && value !== '');
  if (!plain) return undefined;
  return url.replace(COLUMN, (_, name: string) => encodeURIComponent(String(row[name])));
}
