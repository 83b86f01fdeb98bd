import { QuarryError } from '../../errors/index.js';
import type { HttpClient, HttpResponse } from '../http-client.js';
import { atLeast, DOWNLOAD_STALL_MS, MIN_DOWNLOAD_THROUGHPUT, type MinThroughput } from '../min-throughput.js';
import { redactUrl } from '../redact.js';
import { parseContentRange } from './content-range.js';

/** Limits that a server must meet while sending a body. */
export interface BodyLimits {
  /** Maximum wait for response headers. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Maximum silence within the body. Default 10 s. */
  readonly stallMs?: number | undefined;
  /** Default: 16 KiB/s over 30 s. */
  readonly minThroughput?: MinThroughput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A request for the bytes of a file from `offset` on. */
export interface RangeRequest {
  readonly http: HttpClient;
  readonly url: string;
  readonly offset: number;
  /** ETag of the version that the bytes before `offset` belong to. */
  readonly etag?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Accept a body with a `Content-Encoding`; the caller decodes it. */
  readonly acceptEncoded?: boolean | undefined;
}

/** Response headers, with the body still to be read. */
export interface RangeAnswer {
  /** Position of the first byte of `body`: the requested offset, or 0 if the server restarts. */
  readonly start: number;
  /** Length of the whole file in bytes, if the server reports it. */
  readonly total: number | undefined;
  readonly etag: string | undefined;
  /** Final URL, after redirects. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Fails with `TIMEOUT` if it stalls or is too slow. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
}

/**
 * Whether a range request can be bound to this ETag: weak ETags do not guarantee identical bytes (RFC 9110, 13.1.5).
 */
export function isStrongEtag(etag: string | undefined): etag is string {
  return etag?.startsWith('"') ?? false;
}

/**
 * Requests the rest of a file, bound to its version by `If-Range`: if the file changed, the server sends all of the new
 * one.
 *
 * @throws QuarryError `PROTOCOL` on an unexpected status or range, or an encoded body where plain bytes were
 * requested
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

/** Statuses with the file as body: others below 400 have no body, or only say where the file may be. */
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
