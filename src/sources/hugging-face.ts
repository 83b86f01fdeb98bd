import { QuarryError } from '../errors/index.js';
import type { HttpClient } from '../net/index.js';
import type { DecodeOptions, SourceUnit } from './contract.js';
import { httpUnit } from './http.js';

export interface HuggingFaceOptions extends DecodeOptions {
  /** Hub URL. Default `https://huggingface.co`. */
  readonly hubUrl?: string | undefined;
  /** For gated and private datasets. */
  readonly token?: string | undefined;
  /** Ends the listing of a dataset's files. */
  readonly signal?: AbortSignal | undefined;
}

/** A dataset file and the headers to request it with. */
export interface DatasetFile {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/**
 * Lists the Parquet files of a dataset on the Hub: `owner/name`, `owner/name/config` or `owner/name/config/split`.
 *
 * @throws QuarryError `NOT_FOUND` when the dataset, configuration or split does not exist or has no Parquet files
 * @throws QuarryError `UNAUTHENTICATED` when it is gated and the token is missing or wrong
 */
export async function huggingFaceFiles(
  spec: string,
  http: HttpClient,
  options: HuggingFaceOptions,
): Promise<DatasetFile[]> {
  const [owner, name, config, split] = spec.split('/');
  if (owner === undefined || name === undefined || owner === '' || name === '') {
    throw new QuarryError('INVALID_ARGUMENT', `"${spec}" is not a dataset`, {
      hint: 'write hf:owner/name[/config[/split]]',
    });
  }
  const hub = (options.hubUrl ?? 'https://huggingface.co').replace(/\/$/, '');
  const headers: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const path = [
    'api/datasets',
    owner,
    name,
    'parquet',
    ...(config === undefined ? [] : [config]),
    ...(split === undefined ? [] : [split]),
  ];
  const listing = await http.json({
    url: `${hub}/${path.map(encodeSegment).join('/')}`,
    headers,
    signal: options.signal,
  });
  const urls = [...stringsIn(listing)].filter((url) => /^https?:\/\//.test(url));
  if (urls.length === 0) throw new QuarryError('NOT_FOUND', `the dataset ${spec} has no Parquet files`);
  // Send the token only to the Hub.
  return urls.map((url) => ({ url, headers: url.startsWith(`${hub}/`) ? headers : {} }));
}

/**
 * The same files as units whose text is read.
 *
 * @throws QuarryError as {@link huggingFaceFiles}
 */
export async function huggingFaceUnits(
  spec: string,
  http: HttpClient,
  options: HuggingFaceOptions,
): Promise<SourceUnit[]> {
  const files = await huggingFaceFiles(spec, http, options);
  return files.map(({ url, headers }) => httpUnit(url, http, options, headers));
}

function encodeSegment(segment: string): string {
  return segment === 'api/datasets' ? segment : encodeURIComponent(segment);
}

/** The listing is nested by configuration and split, unless the request named them. */
function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* stringsIn(inner);
}
