import { isAbort, QuarryError, toQuarryError } from '../errors/index.js';
import {
  childSignal,
  HttpClient,
  HttpStatusError,
  normaliseBaseUrl,
  type RetryDeps,
  redactUrl,
  retry,
  wasUnsent,
} from '../net/index.js';
import { parseJson } from '../text/parse-json.js';
import { parseApiError, type ResourceKind } from './error-body.js';
import { APIError } from './errors.js';

/** HTTP methods of the API. */
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One HTTP response; a status of 400 or more is not an error here. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** One HTTP request. */
export interface HttpSendRequest {
  readonly method: HttpMethod;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request without retries. */
export type HttpSend = (request: HttpSendRequest) => Promise<HttpAnswer>;

/** Maximum response size in memory; generous, as results and receipts contain embeddings. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** The shared HTTP client as an {@link HttpSend}; `close` closes its connections. */
export function httpClientSend(): { readonly send: HttpSend; readonly close: () => Promise<void> } {
  const client = new HttpClient({ maxBytes: MAX_ANSWER_BYTES, maxRedirects: 0, userAgent: 'quarry-aitbc' });
  return {
    close: () => client.close(),
    async send({ method, url, headers, body, timeoutMs, signal }) {
      try {
        const answer = await client.request({
          method,
          url,
          headers,
          timeoutMs,
          retry: { attempts: 1 },
          body,
          signal,
        });
        return { status: answer.status, headers: answer.headers, text: await answer.text() };
      } catch (error) {
        if (error instanceof HttpStatusError) {
          return { status: error.status, headers: error.headers, text: error.body };
        }
        if (error instanceof QuarryError && error.code === 'TOO_MANY_REDIRECTS') {
          // Do not follow: a POST would become a GET, and its response would pass for success.
          throw new QuarryError('TOO_MANY_REDIRECTS', `${redactUrl(url)} redirects elsewhere`, {
            cause: error,
            hint: 'give the address it redirects to as base URL',
          });
        }
        throw error;
      }
    },
  };
}

/** Wraps a caller's `fetch` as an {@link HttpSend}. */
export function fetchSend(fetchLike: typeof fetch): HttpSend {
  return async ({ method, url, headers, body, timeoutMs, signal }) => {
    const link = childSignal(signal, AbortSignal.timeout(timeoutMs));
    try {
      const response = await fetchLike(url, {
        method,
        headers,
        redirect: 'manual',
        signal: link.signal,
        body: body ?? null,
      });
      return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
    } catch (error) {
      throw toQuarryError(error, `${method} ${redactUrl(url)}`);
    } finally {
      link.close();
    }
  };
}

/** One API call. */
export interface CallSpec {
  /** Named in errors, for example `jobs.create`. */
  readonly operation: string;
  readonly resource?: ResourceKind | undefined;
  readonly method: HttpMethod;
  /** Path under the base URL, beginning with `/`. Path parameters are percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown | undefined;
  /** JSON text sent verbatim, so that receipts keep their number tokens. */
  readonly rawBody?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether repeating it is harmless even if the first attempt arrived. Default: GET only. */
  readonly safe?: boolean | undefined;
  /** Base URL of a service other than the coordinator. */
  readonly baseUrl?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response with status below 400. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  readonly requestId: string | undefined;
  /** @throws QuarryError `PROTOCOL` when the body is not JSON */
  json(): unknown;
}

/** Options of a {@link Transport}. */
export interface TransportOptions {
  /** Without a trailing slash or `/v1`. */
  readonly baseUrl: string;
  readonly timeoutMs: number;
  /** Retries after the first attempt. */
  readonly retries: number;
  /** Redacted in errors. */
  readonly secrets: () => readonly string[];
}

/** Dependencies of a {@link Transport}. */
export interface TransportDeps extends RetryDeps {
  readonly send: HttpSend;
  readonly now?: (() => number) | undefined;
}

/** As in upstream's receipt client: 0.5 s, doubled on every retry. */
const BACKOFF = { baseMs: 500, maxMs: 10_000 };

/** Sends API calls: builds URLs, retries only what is safe to repeat, and converts errors. */
export class Transport {
  readonly options: TransportOptions;
  readonly #deps: TransportDeps;

  constructor(options: TransportOptions, deps: TransportDeps) {
    this.options = options;
    this.#deps = deps;
  }

  /**
   * @throws APIError of the class for the status
   * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `TLS`, `ABORTED`
   */
  async call(spec: CallSpec): Promise<ApiAnswer> {
    const url = buildUrl(spec.baseUrl ?? this.options.baseUrl, spec.path, spec.query);
    const body = spec.rawBody ?? (spec.body === undefined ? undefined : JSON.stringify(spec.body));
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...spec.headers,
    };
    const safe = spec.safe ?? spec.method === 'GET';
    const attempt = async (): Promise<ApiAnswer> => {
      const answer = await this.#deps.send({
        method: spec.method,
        url,
        headers,
        timeoutMs: this.options.timeoutMs,
        body,
        signal: spec.signal,
      });
      if (answer.status >= 300) {
        throw parseApiError(
          answer,
          spec.operation,
          spec.resource ?? 'none',
          this.options.secrets(),
          this.#deps.now ?? Date.now,
        );
      }
      return apiAnswer(answer, spec.operation);
    };
    return retry(
      attempt,
      {
        attempts: this.options.retries + 1,
        backoff: BACKOFF,
        isRetryable: (error) => isRepeatable(error, safe),
        signal: spec.signal,
      },
      this.#deps,
    );
  }
}

function isRepeatable(error: unknown, safe: boolean): boolean {
  if (isAbort(error) || !(error instanceof QuarryError)) return false;
  if (error instanceof APIError) return error.status === 429 || (safe && error.status >= 500 && error.status !== 501);
  if (safe) return error.retryable;
  return wasUnsent(error);
}

function apiAnswer(answer: HttpAnswer, operation: string): ApiAnswer {
  return {
    status: answer.status,
    text: answer.text,
    requestId: answer.headers['x-request-id'],
    json() {
      try {
        return parseJson(answer.text);
      } catch (cause) {
        throw new QuarryError('PROTOCOL', `${operation}: the server did not answer with JSON`, {
          cause,
          hint: 'check the base URL; a web page may be answering',
        });
      }
    },
  };
}

function buildUrl(base: string, path: string, query: CallSpec['query']): string {
  // An id of dots would escape its route.
  if (/\/\.{1,2}(\/|$)/.test(path)) throw new QuarryError('INVALID_ARGUMENT', 'an id cannot be "." or ".."');
  const url = new URL(base + path);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

/**
 * Normalises a base URL: without a trailing slash or `/v1`, which all paths include.
 *
 * @param what names it in errors
 * @throws QuarryError `CONFIG_INVALID` when it is not an http(s) URL
 */
export function aitbcBaseUrl(text: string, what = 'AITBC base URL'): string {
  const example = 'https://aitbc.bubuit.net/api or http://localhost:8011';
  return normaliseBaseUrl(text, { what, example }).replace(/\/v1$/, '');
}
