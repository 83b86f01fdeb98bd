import type { Readable } from 'node:stream';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { type AddressPolicy, assertUrlAllowed, guardedLookup } from './address-policy.js';
import { HttpStatusError } from './http-error.js';
import { atLeast, MIN_BODY_THROUGHPUT } from './min-throughput.js';
import { nodeSender } from './node-sender.js';
import { proxyOfEnvironment } from './proxy.js';
import { redactUrl } from './redact.js';
import { type RetryDeps, type RetryPolicy, retry } from './retry.js';
import type { Sender } from './sender.js';
import { undiciSender } from './undici-sender.js';

/** Base URL, headers and limits of all requests. */
export interface HttpClientOptions {
  /** Prefix of relative paths; a trailing slash is implied. */
  readonly baseUrl?: string | undefined;
  /** Sent with every request to the origin of `baseUrl`, never to another origin, redirects included. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Maximum wait for response headers, and between two chunks of the body, milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Maximum size of a body read into memory, bytes. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** Maximum redirects; each is checked like the first URL. Default 3. */
  readonly maxRedirects?: number | undefined;
  /** If absent, any address may be dialled, as the caller chose it. */
  readonly addressPolicy?: AddressPolicy | undefined;
  /**
   * Origins configured by the user, such as their own fullnode in a private network: dialled regardless of
   * `addressPolicy`. Must match exactly; redirects to other origins are checked.
   */
  readonly trustedOrigins?: readonly string[] | undefined;
  /** Retries of idempotent methods. Default 3 attempts. */
  readonly retry?: RetryPolicy | undefined;
  /** Sent as `User-Agent`. Default `quarry`. */
  readonly userAgent?: string | undefined;
  /** `lean` needs 50 MB less memory than `fast`, but more CPU time per request. Default `fast`. */
  readonly engine?: 'fast' | 'lean' | undefined;
}

export interface HttpRequest {
  /** Default GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
  /** Absolute URL, or a path under `baseUrl`. */
  readonly url: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `application/json`. */
  readonly json?: unknown | undefined;
  readonly body?: Uint8Array | string | undefined;
  /** Overrides the client's policy; `attempts: 1` disables retries. POST and PATCH are retried only if this is set. */
  readonly retry?: RetryPolicy | undefined;
  /** `same-origin` refuses redirects to another origin, for requests that need their credentials. */
  readonly redirect?: 'follow' | 'same-origin' | undefined;
  readonly timeoutMs?: number | undefined;
  /** Maximum wait between two chunks of the body. Default `timeoutMs`. */
  readonly stallMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response with status below 400 whose headers have arrived. The body must be consumed or discarded. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Final URL, after redirects. */
  readonly url: string;
  readonly body: Readable;
  /** @throws QuarryError `DATA_TOO_LARGE` when the body exceeds `maxBytes` */
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  /** @throws QuarryError `PROTOCOL` when the body is not JSON */
  json(): Promise<unknown>;
  discard(): Promise<void>;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const NO_RETRY: RetryPolicy = { attempts: 1 };
/** Maximum size of an error body. */
const ERROR_BODY_BYTES = 64 * 1024;
/** Time limit for reading an error body, so that a server that sends it slowly does not hold a slot. */
const ERROR_BODY_MS = 2_000;

/**
 * HTTP with limits on time, size, redirects and addresses. Each client has one connection pool.
 *
 * Errors: `UNREACHABLE`, `TIMEOUT`, `TLS`, `ADDRESS_REFUSED`, `TOO_MANY_REDIRECTS`, `ABORTED`, and `HttpStatusError`
 * for status 400 and above.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #deps: RetryDeps;
  readonly #sender: Sender;
  /** Does not check addresses. */
  readonly #trustedSender: Sender;
  readonly #trusted: ReadonlySet<string>;
  readonly #timeoutMs: number;

  constructor(options: HttpClientOptions = {}, deps: RetryDeps = {}) {
    this.#options = options;
    this.#deps = deps;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#trusted = new Set(options.trustedOrigins?.map((url) => new URL(url).origin));
    // Node's own client does not support proxies.
    const lean = options.engine === 'lean' && proxyOfEnvironment() === undefined;
    const makeSender = lean ? nodeSender : undiciSender;
    const connectTimeoutMs = Math.min(this.#timeoutMs, 10_000);
    this.#trustedSender = makeSender({ connectTimeoutMs });
    this.#sender =
      options.addressPolicy === undefined
        ? this.#trustedSender
        : makeSender({ connectTimeoutMs, lookup: guardedLookup(options.addressPolicy) });
  }

  /** Sends one request, following redirects and retrying as configured. */
  async request(req: HttpRequest): Promise<HttpResponse> {
    const method = req.method ?? 'GET';
    const policy = req.retry ?? (IDEMPOTENT.has(method) ? (this.#options.retry ?? { attempts: 3 }) : NO_RETRY);
    return retry(() => this.#follow(req, method), { ...policy, signal: req.signal }, this.#deps);
  }

  /** Sends a request and parses the response as JSON. */
  async json(req: HttpRequest): Promise<unknown> {
    return (await this.request({ ...req, headers: { accept: 'application/json', ...req.headers } })).json();
  }

  /** Sends a request and returns the body as bytes. */
  async bytes(req: HttpRequest): Promise<Uint8Array> {
    return (await this.request(req)).bytes();
  }

  /** Closes all connections and aborts their requests. */
  async close(): Promise<void> {
    await Promise.all([this.#sender.close(), this.#trustedSender.close()]);
  }

  #resolve(req: HttpRequest): URL {
    const base = this.#options.baseUrl?.replace(/\/?$/, '/');
    const text = base !== undefined && !/^https?:\/\//i.test(req.url) ? base + req.url.replace(/^\//, '') : req.url;
    if (!URL.canParse(text)) throw new QuarryError('INVALID_ARGUMENT', `"${req.url}" is not a URL`);
    const url = new URL(text);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new QuarryError('INVALID_ARGUMENT', `${url.protocol} URLs are not supported`, {
        hint: 'use http: or https:',
      });
    }
    for (const [key, value] of Object.entries(req.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return url;
  }

  async #follow(req: HttpRequest, method: NonNullable<HttpRequest['method']>): Promise<HttpResponse> {
    const first = this.#resolve(req);
    const home = this.#options.baseUrl === undefined ? first.origin : new URL(this.#options.baseUrl).origin;
    const maxRedirects = this.#options.maxRedirects ?? 3;
    let url = first;
    let verb = method;
    let body = req.json === undefined ? req.body : JSON.stringify(req.json);
    for (let hops = 0; ; hops++) {
      const { addressPolicy } = this.#options;
      if (addressPolicy !== undefined && !this.#trusted.has(url.origin)) assertUrlAllowed(url, addressPolicy);
      const headers: Record<string, string> = {
        'user-agent': this.#options.userAgent ?? 'quarry',
        ...(url.origin === home && this.#options.headers),
        ...(req.json !== undefined && body !== undefined && { 'content-type': 'application/json' }),
        // Never send one origin's credentials to another.
        ...(url.origin === first.origin ? req.headers : withoutCredentials(req.headers)),
      };
      const answer = await this.#send(url, verb, headers, body, req);
      const location = answer.headers['location'];
      if (answer.status < 300 || answer.status >= 400 || answer.status === 304 || location === undefined) {
        if (answer.status >= 400) throw await statusError(answer);
        return answer;
      }
      await answer.discard();
      if (hops >= maxRedirects) {
        throw new QuarryError('TOO_MANY_REDIRECTS', `${redactUrl(first)} redirects more than ${maxRedirects} times`);
      }
      if (!URL.canParse(location, url.href)) {
        throw new QuarryError('PROTOCOL', `${redactUrl(url)} redirects to something that is not a URL`);
      }
      url = new URL(location, url);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        throw new QuarryError('ADDRESS_REFUSED', `${redactUrl(first)} redirects to a ${url.protocol} URL`);
      }
      if (req.redirect === 'same-origin' && url.origin !== first.origin) {
        throw new QuarryError('ADDRESS_REFUSED', `${redactUrl(first)} redirects to another origin, ${url.origin}`, {
          hint: 'credentials are not sent to another server; check the base URL',
        });
      }
      // RFC 9110, 15.4: a 303, and by convention a 301 or 302 after POST, continues with GET.
      if (answer.status === 303 || (verb === 'POST' && answer.status < 303)) {
        verb = 'GET';
        body = undefined;
      }
    }
  }

  async #send(
    url: URL,
    method: NonNullable<HttpRequest['method']>,
    headers: Record<string, string>,
    body: Uint8Array | string | undefined,
    req: HttpRequest,
  ): Promise<HttpResponse> {
    const where = `${method} ${redactUrl(url)}`;
    const timeoutMs = req.timeoutMs ?? this.#timeoutMs;
    try {
      const sender = this.#trusted.has(url.origin) ? this.#trustedSender : this.#sender;
      const answer = await sender.send(url, {
        method,
        headers,
        timeoutMs,
        stallMs: req.stallMs ?? timeoutMs,
        body,
        signal: req.signal,
      });
      const flat = Object.fromEntries(
        Object.entries(answer.headers).map(([k, v]) => [k, Array.isArray(v) ? v.join(', ') : String(v)]),
      );
      return responseOf(
        answer.statusCode,
        flat,
        url,
        answer.body,
        req.maxBytes ?? this.#options.maxBytes ?? 64 * 2 ** 20,
      );
    } catch (error) {
      throw toQuarryError(error, where);
    }
  }
}

function withoutCredentials(headers: HttpRequest['headers']): Record<string, string> {
  const entries = Object.entries(headers ?? {});
  return Object.fromEntries(entries.filter(([name]) => !/auth|cookie|token|key/i.test(name)));
}

function responseOf(
  status: number,
  headers: Readonly<Record<string, string>>,
  url: URL,
  body: Readable,
  maxBytes: number,
): HttpResponse {
  const where = redactUrl(url);
  const bytes = async (): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of atLeast(body, MIN_BODY_THROUGHPUT, where)) {
        size += chunk.byteLength;
        if (size > maxBytes) {
          throw new QuarryError('DATA_TOO_LARGE', `${where} sent more than ${maxBytes} bytes`, {
            details: { maxBytes },
          });
        }
        chunks.push(chunk);
      }
    } catch (error) {
      body.destroy();
      throw toQuarryError(error, `reading ${where}`);
    }
    return new Uint8Array(Buffer.concat(chunks, size));
  };
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return {
    status,
    headers,
    url: url.href,
    body,
    bytes,
    text,
    async json() {
      const content = await text();
      try {
        return JSON.parse(content) as unknown;
      } catch (cause) {
        throw new QuarryError('PROTOCOL', `${where} did not answer with JSON`, { cause });
      }
    },
    async discard() {
      body.on('error', () => {});
      body.destroy();
    },
  };
}

async function statusError(answer: HttpResponse): Promise<HttpStatusError> {
  const parts: Uint8Array[] = [];
  let size = 0;
  answer.body.on('error', () => {});
  const enough = setTimeout(() => answer.body.destroy(), ERROR_BODY_MS);
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      parts.push(chunk);
      size += chunk.byteLength;
      if (size >= ERROR_BODY_BYTES) break;
    }
  } catch {
    // The status is what matters; ignore a truncated body.
  } finally {
    clearTimeout(enough);
  }
  const body = new TextDecoder().decode(Buffer.concat(parts).subarray(0, ERROR_BODY_BYTES));
  return new HttpStatusError(answer.status, redactUrl(answer.url), body, answer.headers);
}
