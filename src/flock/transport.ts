import PQueue from 'p-queue';
import { toQuarryError } from '../errors/index.js';
import {
  type Backoff,
  childSignal,
  HttpClient,
  type HttpResponse,
  HttpStatusError,
  type RetryPolicy,
  redactUrl,
  retry,
  type Sleep,
  sleep,
  wasUnsent,
} from '../net/index.js';
import { parseJson } from '../text/parse-json.js';
import { DEFAULT_BASE_URL, flockBaseUrl } from './base-url.js';
import { clipBody, decodeFailure } from './decode-error.js';
import { FlockError } from './errors.js';
import type { Json } from './json.js';
import { ServerClock } from './time.js';

/** How to reach the service. */
export interface FlockClientOptions {
  /** Default {@link DEFAULT_BASE_URL}; the trailing slash and `/api/v1` may be missing. */
  readonly baseUrl?: string | undefined;
  /** Arena key of train.flock.io; needed for the caller's submissions, submitting and validating. */
  readonly apiKey?: string | undefined;
  /** Maximum wait for a response, milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Retries of reads. Default 5 attempts, 0.5 s doubling to 30 s with jitter. */
  readonly retry?: RetryPolicy | undefined;
  /** Maximum concurrent requests. Default 4. */
  readonly concurrency?: number | undefined;
  /** Sent as `User-Agent`. Default `quarry-flock`. */
  readonly userAgent?: string | undefined;
  /** Treat unknown task statuses as errors. For tests. */
  readonly strict?: boolean | undefined;
}

/** Dependencies, so that tests control time and randomness. */
export interface FlockDeps {
  /** Local time in milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  /** Returns numbers in [0, 1) for retry jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called before a read is retried. */
  readonly onRetry?: ((error: FlockError, attempt: number, delayMs: number) => void) | undefined;
}

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Maximum wait for a response, milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

/** One call to the service. */
export interface FlockRequest extends CallOptions {
  readonly method?: 'GET' | 'POST' | undefined;
  /** Path under the base URL, without a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly json?: unknown | undefined;
  /** Send the arena key. */
  readonly auth?: boolean | undefined;
  /**
   * `safe`: can be repeated. `unsent`: only if it was certainly never sent. `never`: not at all. Default `safe` for GET
   * and `unsent` for POST.
   */
  readonly repeat?: 'safe' | 'unsent' | 'never' | undefined;
}

/** A successful response. */
export interface FlockAnswer {
  readonly json: Json;
  readonly status: number;
  readonly attempts: number;
  readonly latencyMs: number;
}

const DEFAULT_BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };
const RETRY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Whether the service may have acted although no usable response arrived. */
export function isAmbiguous(error: unknown): boolean {
  if (!(error instanceof FlockError) || wasUnsent(error)) return false;
  if (error.reason === 'FLOCK_NETWORK' || error.reason === 'FLOCK_TIMEOUT' || error.reason === 'FLOCK_DECODE') {
    return error.code !== 'TLS';
  }
  return error.reason === 'FLOCK_SERVER' || error.status === 408;
}

/** HTTP to the Fed Ledger: headers, retries, the server's clock, and FLock errors. */
export class FlockTransport {
  readonly baseUrl: string;
  readonly clock: ServerClock;
  readonly sleep: Sleep;
  readonly now: () => number;
  readonly random: () => number;
  readonly #http: HttpClient;
  readonly #apiKey: string | undefined;
  readonly #retry: RetryPolicy;
  readonly #queue: PQueue;
  readonly #onRetry: FlockDeps['onRetry'];

  /** @throws QuarryError `CONFIG_INVALID` when the base URL is invalid */
  constructor(options: FlockClientOptions = {}, deps: FlockDeps = {}) {
    this.baseUrl = flockBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL);
    this.now = deps.now ?? Date.now;
    this.sleep = deps.sleep ?? sleep;
    this.random = deps.random ?? Math.random;
    this.clock = new ServerClock(this.now);
    this.#apiKey = options.apiKey === undefined || options.apiKey === '' ? undefined : options.apiKey;
    this.#retry = options.retry ?? { attempts: 5, backoff: DEFAULT_BACKOFF };
    this.#queue = new PQueue({ concurrency: options.concurrency ?? 4 });
    this.#onRetry = deps.onRetry;
    this.#http = new HttpClient({
      baseUrl: this.baseUrl,
      engine: 'lean',
      timeoutMs: options.timeoutMs ?? 30_000,
      userAgent: options.userAgent ?? 'quarry-flock',
    });
  }

  /** Whether a key was given. */
  get hasKey(): boolean {
    return this.#apiKey !== undefined;
  }

  /** @throws FlockError `FLOCK_CONFIG` when no key was given; nothing is sent then */
  requireKey(): string {
    if (this.#apiKey !== undefined) return this.#apiKey;
    throw new FlockError('FLOCK_CONFIG', 'this needs the arena key, but FLOCK_API_KEY is not set', {
      hint: 'Stake on a task at https://train.flock.io, copy the key and set FLOCK_API_KEY, or pass --api-key-file.',
    });
  }

  /** @throws FlockError with the reason of the failure; a missing key is detected before anything is sent */
  async call(request: FlockRequest): Promise<FlockAnswer> {
    const key = request.auth ? this.requireKey() : undefined;
    const method = request.method ?? 'GET';
    const repeat = request.repeat ?? (method === 'GET' ? 'safe' : 'unsent');
    let attempts = 0;
    const link = childSignal(request.signal);
    const run = (): Promise<FlockAnswer> =>
      retry(
        async (attempt) => {
          attempts = attempt;
          return this.#once({ ...request, signal: link.signal }, method, key, attempt);
        },
        {
          ...this.#retry,
          isRetryable: (error) => repeat !== 'never' && isWorthRepeating(error, repeat === 'safe'),
          ...(this.#onRetry !== undefined && {
            onRetry: (error, attempt, delayMs) => this.#onRetry?.(error as FlockError, attempt, delayMs),
          }),
          signal: link.signal,
        },
        { sleep: this.sleep, random: this.random },
      );
    try {
      const answer = await this.#queue.add(run, { signal: link.signal });
      return answer as FlockAnswer;
    } catch (error) {
      throw this.#asFlockError(error, method, request.path, attempts);
    } finally {
      link.close();
    }
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #once(
    request: FlockRequest,
    method: 'GET' | 'POST',
    key: string | undefined,
    attempt: number,
  ): Promise<FlockAnswer> {
    const sentAt = this.now();
    let response: HttpResponse;
    try {
      response = await this.#http.request({
        method,
        url: request.path,
        headers: { accept: 'application/json', ...(key !== undefined && { 'flock-api-key': key }) },
        retry: { attempts: 1 },
        ...(key !== undefined && { redirect: 'same-origin' as const }),
        query: request.query,
        json: request.json,
        signal: request.signal,
        timeoutMs: request.timeoutMs,
      });
    } catch (error) {
      if (error instanceof HttpStatusError) this.clock.observe(error.headers['date'], sentAt, this.now());
      throw this.#asFlockError(error, method, request.path, attempt);
    }
    const headAt = this.now();
    this.clock.observe(response.headers['date'], sentAt, headAt);
    let body: string;
    try {
      body = await response.text();
    } catch (error) {
      throw this.#asFlockError(error, method, request.path, attempt);
    }
    try {
      return { json: parseJson(body) as Json, status: response.status, attempts: attempt, latencyMs: headAt - sentAt };
    } catch (cause) {
      const what = body.trim() === '' ? 'an empty answer' : `no JSON: ${clipBody(body)}`;
      throw new FlockError('FLOCK_DECODE', `the service sent ${what}`, {
        cause,
        method,
        url: this.#where(request.path),
        status: response.status,
        hint: 'A gateway or a proxy may have answered instead of the service; try again in a minute.',
      });
    }
  }

  #where(path: string): string {
    return redactUrl(new URL(path, this.baseUrl));
  }

  #asFlockError(error: unknown, method: string, path: string, attempts: number): FlockError {
    if (error instanceof FlockError) {
      return attempts > 1 && error.attempts === undefined ? withAttempts(error, attempts) : error;
    }
    const url = this.#where(path);
    if (error instanceof HttpStatusError) {
      return decodeFailure({
        method,
        url,
        status: error.status,
        body: error.body,
        retryAfter: error.headers['retry-after'],
        nowMs: this.clock.now(),
        requestId: error.headers['x-request-id'],
      });
    }
    const known = toQuarryError(error, `${method} ${url}`);
    const reason =
      known.code === 'ABORTED'
        ? 'FLOCK_ABORTED'
        : known.code === 'TIMEOUT'
          ? 'FLOCK_TIMEOUT'
          : known.code === 'UNREACHABLE' || known.code === 'TLS'
            ? 'FLOCK_NETWORK'
            : known.code === 'PROTOCOL'
              ? 'FLOCK_DECODE'
              : 'FLOCK_BAD_REQUEST';
    return new FlockError(reason, known.message, {
      code: known.code,
      cause: error,
      method,
      url,
      details: known.details,
      hint: known.hint,
    });
  }
}

function isWorthRepeating(error: unknown, safe: boolean): boolean {
  if (!(error instanceof FlockError)) return false;
  if (wasUnsent(error)) return true;
  if (!safe || error.code === 'TLS') return false;
  if (error.reason === 'FLOCK_NETWORK' || error.reason === 'FLOCK_TIMEOUT') return true;
  return error.status !== undefined && error.status >= 400 && RETRY_STATUSES.has(error.status);
}

function withAttempts(error: FlockError, attempts: number): FlockError {
  return new FlockError(error.reason, error.message, {
    code: error.code,
    attempts,
    details: error.details,
    retryable: error.retryable,
    issues: error.issues,
    cause: error.cause,
    hint: error.hint,
    method: error.method,
    url: error.url,
    status: error.status,
    detail: error.detail,
    requestId: error.requestId,
    retryAfterMs: error.retryAfterMs,
  });
}
