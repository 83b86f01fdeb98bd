import { QuarryError } from '../errors/index.js';
import { type HttpClient, redactUrl } from '../http/index.js';
import type { DecodeOptions, RandomAccess, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';
import { splitLines } from './jsonl.js';

/** A file behind a URL, streamed; formats that are read from their end use `Range` requests. */
export function httpUnit(
  url: string,
  http: HttpClient,
  options: DecodeOptions,
  headers: Record<string, string> = {},
): SourceUnit {
  const name = redactUrl(url).replace(/\?…$/, '');
  return {
    name,
    documents: (signal) =>
      documentsOf(
        {
          name,
          pieces: () => streamOf(url, http, headers, signal),
          randomAccess: () => rangeAccess(url, http, headers, signal),
        },
        options,
        signal,
      ),
  };
}

/** The URLs a text file lists, one a line; empty lines and lines that begin with # are left out. */
export async function readUrlList(name: string, pieces: AsyncIterable<Uint8Array>): Promise<string[]> {
  const urls: string[] = [];
  for await (const line of splitLines(name, pieces)) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
      throw new QuarryError('DATA_INVALID', `${name} lists something that is not an http(s) URL`, {
        details: { line: urls.length + 1 },
      });
    }
    urls.push(text);
  }
  return urls;
}

async function* streamOf(
  url: string,
  http: HttpClient,
  headers: Record<string, string>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const response = await http.request({ url, headers, ...(signal !== undefined && { signal }) });
  try {
    yield* response.body as AsyncIterable<Uint8Array>;
  } finally {
    await response.discard();
  }
}

async function rangeAccess(
  url: string,
  http: HttpClient,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<RandomAccess> {
  const control = signal === undefined ? {} : { signal };
  const head = await http.request({ url, method: 'HEAD', headers, ...control });
  await head.discard();
  const sizeBytes = Number(head.headers['content-length']);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
    throw new QuarryError('PROTOCOL', `${redactUrl(url)} does not say how large it is`);
  }
  return {
    sizeBytes,
    async read(start, end) {
      const response = await http.request({
        url,
        headers: { ...headers, range: `bytes=${start}-${end - 1}` },
        maxBytes: end - start,
        ...control,
      });
      if (response.status !== 206) {
        await response.discard();
        throw new QuarryError('UNSUPPORTED', `${redactUrl(url)} does not serve ranges`, {
          hint: 'download the file first and name its path',
        });
      }
      return response.bytes();
    },
  };
}
