import { createHash, randomBytes } from 'node:crypto';
import { QuarryError } from '../../errors/index.js';
import type { Handler, ServerAnswer, ServerRequest } from '../loopback/router.js';
import type { CoordinatorBook, JobRecord } from './coordinator-book.js';
import { isJsonObject, type JsonObject } from './json.js';

/** Options of a `DocumentedServer`. */
export interface DocumentedServerOptions {
  readonly clientKeys: readonly string[];
  readonly minerKeys: readonly string[];
  /** Raw Ed25519 seeds, 32 bytes each, for signing and attesting receipts. */
  readonly signerSeed: Uint8Array;
  readonly attesterSeed: Uint8Array;
  /** Accepted job types. Default: any. */
  readonly jobTypes?: readonly string[] | undefined;
  /** Number of initial calls with a client key that are refused as rate limited. Default 0. */
  readonly rateLimited?: number | undefined;
  /** Number of initial calls with a client key that fail with a server error. Default 0. */
  readonly failing?: number | undefined;
  /** Maximum amount that clients can pay. Default `1000`. */
  readonly balance?: string | undefined;
  /** Adds `results_sha256` to receipts, so that they commit to the results. This field is undocumented. */
  readonly bindResults?: boolean | undefined;
  readonly port?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** Creates an error in the documented envelope. */
export function refuse(status: number, code: string, message: string): ServerAnswer {
  const requestId = `req_${randomBytes(6).toString('hex')}`;
  return {
    status,
    json: { error: { code, message, details: { request_id: requestId } } },
    headers: { 'x-request-id': requestId },
  };
}

/** Shared by all documented routes: authentication and job lookup. */
export interface DocumentedGate {
  readonly book: CoordinatorBook;
  readonly options: DocumentedServerOptions;
  /** Rejects requests without a known key. */
  asClient(handle: (request: ServerRequest, key: string) => ServerAnswer): Handler;
  /** Rejects requests for a job that the key does not own. */
  withJob(handle: (job: JobRecord, request: ServerRequest) => ServerAnswer): Handler;
}

export function documentedGate(book: CoordinatorBook, options: DocumentedServerOptions): DocumentedGate {
  let { rateLimited = 0, failing = 0 } = options;
  const asClient: DocumentedGate['asClient'] = (handle) => (request) => {
    const key = request.headers['x-api-key'] ?? '';
    const allowed = options.clientKeys.includes(key) || options.minerKeys.includes(key);
    if (!allowed) return refuse(401, 'INVALID_API_KEY', 'the API key is missing or unknown');
    if (rateLimited-- > 0) {
      const answer = refuse(429, 'RATE_LIMIT_EXCEEDED', 'too many requests');
      return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } };
    }
    return failing-- > 0 ? refuse(500, 'INTERNAL_ERROR', 'internal error') : handle(request, key);
  };
  return {
    book,
    options,
    asClient,
    withJob: (handle) =>
      asClient((request, key) => {
        const job = book.findJob(request.params['jobId'] ?? '', key);
        return job === undefined ? refuse(404, 'JOB_NOT_FOUND', 'job does not exist') : handle(job, request);
      }),
  };
}

/** @throws QuarryError `INVALID_ARGUMENT` when the body is not an object */
export function bodyOf(request: ServerRequest): JsonObject {
  const value: unknown = JSON.parse(request.text || '{}');
  if (!isJsonObject(value)) throw new QuarryError('INVALID_ARGUMENT', 'the body must be an object');
  return value;
}

/** Public id of a miner, derived from its key so that the key itself is not revealed. */
export function publicIdOf(key: string): string {
  return `miner_${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}
