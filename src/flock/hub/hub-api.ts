import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { HttpClient, HttpStatusError, normaliseBaseUrl } from '../../net/index.js';
import { plainLines } from '../../text/index.js';
import { parseJson } from '../../text/parse-json.js';
import { FlockError } from '../errors.js';
import { isJsonObject, type Json } from '../json.js';
import type { CallOptions } from '../transport.js';

/** The public Hugging Face Hub. */
export const DEFAULT_HUB_URL = 'https://huggingface.co';

/** How to reach the Hub. */
export interface HubOptions {
  /** Default {@link DEFAULT_HUB_URL}. */
  readonly hubUrl?: string | undefined;
  /** Hub token; public repositories need none. */
  readonly token?: string | undefined;
}

/** A model repository at one revision. */
export interface HubModel {
  /** Full commit hash. */
  readonly sha: string;
  readonly private: boolean;
  readonly gated: boolean;
  /** Paths of its files. */
  readonly files: readonly string[];
  /** Parameter count reported by the Hub. */
  readonly params: number | undefined;
}

/** Maximum size of files read into memory: configurations and safetensors headers. */
const MAX_READ_BYTES = 100 * 1024 * 1024;

/** Reads model repositories on the Hub. */
export class HubApi {
  readonly hubUrl: string;
  readonly #token: string | undefined;
  readonly #http: HttpClient;

  /** @throws QuarryError `CONFIG_INVALID` when the Hub URL is invalid */
  constructor(options: HubOptions = {}) {
    this.hubUrl = normaliseBaseUrl(options.hubUrl ?? DEFAULT_HUB_URL, {
      what: 'Hub URL',
      example: DEFAULT_HUB_URL,
      requireTls: true,
    });
    this.#token = options.token;
    this.#http = new HttpClient({ userAgent: 'quarry-flock', retry: { attempts: 4 }, maxRedirects: 5 });
  }

  /** A repository at a branch, tag or commit; undefined if it does not exist or this caller cannot see it. */
  async model(repo: string, revision: string, call: CallOptions = {}): Promise<HubModel | undefined> {
    const path = `/api/models/${repo}/revision/${encodeURIComponent(revision)}`;
    const json = await this.#json(path, call);
    if (json === undefined) return undefined;
    if (!isJsonObject(json) || typeof json['sha'] !== 'string') throw unexpected(path);
    const siblings = Array.isArray(json['siblings']) ? json['siblings'] : [];
    return {
      sha: json['sha'],
      private: json['private'] === true,
      gated: json['gated'] !== undefined && json['gated'] !== false && json['gated'] !== null,
      files: siblings.flatMap((entry) =>
        isJsonObject(entry) && typeof entry['rfilename'] === 'string' ? [entry['rfilename']] : [],
      ),
      params: totalOf(json['safetensors']),
    };
  }

  /** Parameter count of a base model as reported by the Hub; undefined if it reports none. */
  async paramsOf(repo: string, call: CallOptions = {}): Promise<number | undefined> {
    const json = await this.#json(`/api/models/${repo}`, call);
    return isJsonObject(json) ? totalOf(json['safetensors']) : undefined;
  }

  /** Reads a file, or `length` bytes of it from `start`; undefined if it does not exist. */
  async file(
    repo: string,
    revision: string,
    path: string,
    range: { readonly start: number; readonly length: number } | undefined,
    call: CallOptions = {},
  ): Promise<Uint8Array | undefined> {
    const where = `/${repo}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`;
    try {
      const response = await this.#http.request({
        url: `${this.hubUrl}${where}`,
        headers: {
          ...this.#headers(),
          ...(range !== undefined && { range: `bytes=${range.start}-${range.start + range.length - 1}` }),
        },
        maxBytes: range?.length ?? MAX_READ_BYTES,
        ...call,
      });
      // A server that ignores the range would send gigabytes.
      if (range !== undefined && response.status !== 206) {
        await response.discard();
        return undefined;
      }
      return await response.bytes();
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === 404) return undefined;
      throw hubFailure(error, `reading ${path} of ${repo}`);
    }
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#http.close();
  }

  #headers(): Record<string, string> {
    return {
      accept: 'application/json',
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    };
  }

  async #json(path: string, call: CallOptions): Promise<Json | undefined> {
    try {
      const response = await this.#http.request({ url: `${this.hubUrl}${path}`, headers: this.#headers(), ...call });
      return (await response.json()) as Json;
    } catch (error) {
      // The Hub returns 401 or 404 for repositories of others that are private.
      if (error instanceof HttpStatusError && [401, 403, 404].includes(error.status)) {
        if (error.status !== 404 && this.#token !== undefined) throw hubFailure(error, `reading ${path}`);
        return undefined;
      }
      throw hubFailure(error, `reading ${path}`);
    }
  }
}

/** Converts any error from talking to the Hub, including those of its own library, to a {@link FlockError}. */
export function hubFailure(error: unknown, doing: string): FlockError {
  if (error instanceof FlockError) return error;
  const { status, text, requestId } = hubFacts(error);
  if (status === undefined) {
    const known = toQuarryError(error, doing);
    const reason =
      known.code === 'ABORTED'
        ? 'FLOCK_ABORTED'
        : known.code === 'TIMEOUT'
          ? 'FLOCK_TIMEOUT'
          : known.code === 'UNREACHABLE'
            ? 'FLOCK_NETWORK'
            : 'FLOCK_HUB';
    return new FlockError(reason, known.message, {
      code: known.code === 'INTERNAL' ? 'REMOTE_FAILURE' : known.code,
      cause: error,
      hint: known.hint,
    });
  }
  const said = text === undefined || text === '' ? '' : `: ${text}`;
  const base = { status, cause: error, requestId };
  if (status === 401 || status === 403) {
    return new FlockError('FLOCK_AUTH', `the Hub refused the token while ${doing} (HTTP ${status})${said}`, {
      ...base,
      hint: 'HF_TOKEN needs write access to this repository; create one at https://huggingface.co/settings/tokens.',
    });
  }
  if (status === 409 || status === 412) {
    return new FlockError(
      'FLOCK_HUB_CONFLICT',
      `the Hub refused while ${doing}: the repository exists or has moved on${said}`,
      {
        ...base,
        hint: 'There was a concurrent push, or the repository must be new; run the command again.',
      },
    );
  }
  if (status === 429) {
    return new FlockError('FLOCK_RATE_LIMITED', `the Hub limits the rate of this request${said}`, {
      ...base,
      hint: 'Free accounts may commit a limited number of times per hour; wait and run the command again.',
    });
  }
  const code = status === 404 ? 'NOT_FOUND' : status >= 500 ? 'REMOTE_FAILURE' : 'REMOTE_REJECTED';
  return new FlockError('FLOCK_HUB', `the Hub failed while ${doing} (HTTP ${status})${said}`, { ...base, code });
}

function hubFacts(error: unknown): {
  status?: number | undefined;
  text?: string | undefined;
  requestId?: string | undefined;
} {
  if (error instanceof HttpStatusError) {
    return { status: error.status, text: textOf(safeJson(error.body)), ...requestIdOf(error.headers['x-request-id']) };
  }
  // Recognise the library's errors by their fields, to avoid loading the library for its class.
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    const data = 'data' in error ? (error.data as Json) : null;
    const id = 'requestId' in error && typeof error.requestId === 'string' ? error.requestId : undefined;
    return { status: error.statusCode, text: textOf(data), ...requestIdOf(id) };
  }
  return {};
}

function requestIdOf(id: string | undefined): { requestId?: string | undefined } {
  return id === undefined ? {} : { requestId: id };
}

function safeJson(text: string): Json {
  try {
    return parseJson(text) as Json;
  } catch {
    return null;
  }
}

function textOf(data: Json): string {
  const text = isJsonObject(data) ? (data['error'] ?? data['message']) : undefined;
  return typeof text === 'string' ? plainLines(text).slice(0, 300) : '';
}

function totalOf(value: Json | undefined): number | undefined {
  return isJsonObject(value) && typeof value['total'] === 'number' ? value['total'] : undefined;
}

function unexpected(path: string): QuarryError {
  return new FlockError('FLOCK_DECODE', `the Hub's answer to ${path} has no commit hash`);
}
