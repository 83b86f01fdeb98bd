import { QuarryError } from '../../errors/index.js';
import type { HttpClient, HttpResponse } from '../http-client.js';
import { atLeast, DOWNLOAD_STALL_MS, MIN_DOWNLOAD_THROUGHPUT, type MinThroughput } from '../min-throughput.js';
import { redactUrl } from '../redact.js';
import { parseContentRange } from './content-range.js';

/** What a server must keep to while it sends a body. */
export interface BodyLimits {
  /** Longest wait for the head of an answer. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Longest silence in the body. Default 10 s. */
  readonly stallMs?: number | undefined;
  /** Default: 16 KiB/s over 30 s. */
  readonly minThroughput?: MinThroughput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One request for the bytes of a file from `offset` on. */
export interface RangeRequest {
  readonly http: HttpClient;
  readonly url: string;
  readonly offset: number;
  /** Of the version that the bytes before `offset` are from. */
  readonly etag?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Take a body with a `Content-Encoding`, and leave undoing it to the caller. */
  readonly acceptEncoded?: boolean | undefined;
}

/** The head of the answer, and the body still to be read. */
export interface RangeAnswer {
  /** Position of the first byte of `body`: the offset asked for, or 0 when the server begins again. */
  readonly start: number;
  /** Length of the whole file in bytes, where the server says it. */
  readonly total: number | undefined;
  readonly etag: string | undefined;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends with `TIMEOUT` when it falls silent or comes too slowly. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
}

/** Whether a range may be bound to it: weak ETags do not promise the same bytes (RFC 9110, 13.1.5). */
export function isStrongEtag(etag: string | undefined): etag is string {
  return etag?.startsWith('"') ?? false;
}

/**
 * Asks for the rest of a file, bound to its version by `If-Range`: a server whose file changed sends all of the new one.
 *
 * @throws QuarryError `PROTOCOL` when another status than a file's or another range comes, or an encoded body where plain bytes were asked for
 */
export async function openRange(request: RangeRequest, limits: BodyLimits): Promise<RangeAnswer> {
  const { http, url, offset, etag, headers, acceptEncoded = false } = request;
  const { timeoutMs, stallMs = DOWNLOAD_STALL_MS, minThroughput = MIN_DOWNLOAD_THROUGHPUT, signal } = limits;
  const response = await http.request({
    url,
    stallMs,
    retry: { attempts: 1 },
    headers: {
      ...headers,
      ...(!acceptEncoded && { 'accept-encoding': 'identity' }),
      ...(offset > 0 && { range: `bytes=${offset}-`, ...(isStrongEtag(etag) && { 'if-range': etag }) }),
    },
    timeoutMs,
    signal,
  });
  const where = redactUrl(url);
  const partial = response.status === 206;
  const range = partial ? parseContentRange(response.headers['content-range']) : undefined;
  const problem = problemOf(response, acceptEncoded, partial && range?.start !== offset);
  if (problem !== undefined) {
    await response.discard();
    throw new QuarryError('PROTOCOL', `${where} ${problem}`, {
      details: { asked: offset, contentRange: response.headers['content-range'] ?? '' },
    });
  }
  const length = response.headers['content-length'];
  return {
    start: partial ? offset : 0,
    total: partial ? range?.total : length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined,
    etag: response.headers['etag'],
    url: response.url,
    headers: response.headers,
    body: atLeast(response.body, minThroughput, where),
    discard: () => response.discard(),
  };
}

/** Statuses whose body is the file: below 400 others have none, or name where it may be. */
const OF_A_FILE: ReadonlySet<number> = new Set([200, 203, 206]);

function problemOf(
  { status, headers }: Pick<HttpResponse, 'status' | 'headers'>,
  acceptEncoded: boolean,
  wrongRange: boolean,
): string | undefined {
  if (!OF_A_FILE.has(status)) return `answered HTTP ${status} instead of the file`;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!acceptEncoded && encoding !== 'identity') return `sends ${encoding} although plain bytes were requested`;
  return wrongRange ? 'answered a different range than requested' : undefined;
}
