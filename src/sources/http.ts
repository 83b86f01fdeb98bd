import { QuarryError } from '../errors/index.js';
import {
  type HttpClient,
  type HttpResponse,
  MIN_BODY_THROUGHPUT,
  openStream,
  parseContentRange,
  redactUrl,
} from '../net/index.js';
import type { DecodeOptions, RandomAccess, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';
import { decoded, isPageInstead } from './http-body.js';
import { LeftOut, type OnLeftOut } from './left-out.js';
import { splitLines } from './lines.js';
import { peek } from './peek.js';

/** Maximum URLs in a list. */
const MAX_URLS = 2_000_000;
/** More patient than for weights, as hosts of free data are slow. */
const STALL_MS = 30_000;

/** A remote file, streamed; formats that are read from their end use `Range` requests. */
export function httpUnit(
  url: string,
  http: HttpClient,
  options: DecodeOptions,
  headers: Record<string, string> = {},
): SourceUnit {
  const name = redactUrl(url).replace(/\?…$/, '');
  return {
    name,
    documents: (signal, onLeftOut) =>
      documentsOf(
        {
          name,
          pieces: () => streamOf(url, http, headers, signal),
          randomAccess: () => rangeAccess(url, http, headers, signal),
        },
        options,
        signal,
        onLeftOut,
      ),
  };
}

/**
 * Reads a text file with one URL per line. Skips empty lines and those that begin with #; reports and skips lines that
 * are not http(s) URLs.
 *
 * @throws QuarryError `DATA_INVALID` when it lists no URL, or more than two million
 */
export async function* readUrlList(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<string> {
  const leftOut = new LeftOut(onLeftOut);
  let urls = 0;
  let number = 0;
  for await (const line of splitLines(pieces)) {
    number++;
    const text = line?.trim();
    if (text === '' || text?.startsWith('#')) continue;
    if (text === undefined || !/^https?:\/\//i.test(text) || !URL.canParse(text)) {
      leftOut.add(
        `${name}, line ${number}`,
        new QuarryError('DATA_INVALID', `${name} lists something that is not an http(s) URL`, {
          details: { line: number },
        }),
      );
      continue;
    }
    if (++urls > MAX_URLS) throw new QuarryError('DATA_INVALID', `${name} lists more than ${MAX_URLS} URLs`);
    yield text;
  }
  if (urls === 0) throw leftOut.error ?? new QuarryError('DATA_INVALID', `${name} lists no URL`);
  leftOut.finish();
}

/** Streams the file's bytes, with any transfer encoding undone. */
async function* streamOf(
  url: string,
  http: HttpClient,
  headers: Record<string, string>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const limits = { minThroughput: MIN_BODY_THROUGHPUT, stallMs: STALL_MS, signal };
  const stream = await openStream({ http, url, headers, acceptEncoded: true }, limits);
  const where = redactUrl(url);
  try {
    const body = decoded(where, stream.headers['content-encoding'], stream.body);
    const { head, all } = await peek(body, 512);
    if (isPageInstead(url, stream.url, stream.headers['content-type'], head)) {
      throw new QuarryError('DATA_INVALID', `${where} answered with an HTML page instead of the file`, {
        hint: 'it may require a login or a click; use a direct link',
      });
    }
    yield* all;
  } finally {
    await stream.discard();
  }
}

/** Random access to a remote file by `Range` requests. */
export async function rangeAccess(
  url: string,
  http: HttpClient,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<RandomAccess> {
  const control = { signal };
  const range = async (start: number, end: number): Promise<HttpResponse> => {
    const response = await http.request({
      url,
      headers: { ...headers, range: `bytes=${start}-${end - 1}` },
      maxBytes: end - start,
      ...control,
    });
    if (response.status === 206) return response;
    await response.discard();
    throw new QuarryError('UNSUPPORTED', `${redactUrl(url)} does not serve ranges`, {
      hint: 'download the file first and name its path',
    });
  };
  // Not HEAD, which links signed for GET refuse.
  const first = await range(0, 1);
  await first.discard();
  const sizeBytes = parseContentRange(first.headers['content-range'])?.total ?? 0;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
    throw new QuarryError('PROTOCOL', `${redactUrl(url)} does not report its size`);
  }
  return { sizeBytes, read: async (start, end) => (await range(start, end)).bytes() };
}
