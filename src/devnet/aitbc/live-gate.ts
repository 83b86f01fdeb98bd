import type { Handler, ServerAnswer, ServerRequest } from '../loopback/router.js';
import type { CoordinatorBook, JobRecord } from './coordinator-book.js';
import { type JsonObject, parseExact, writeExact } from './json.js';
import { readJwt } from './jwt.js';

/** Options of a `LiveServer`. */
export interface LiveServerOptions {
  /** `key`: API keys, `/v1/health`, no job list. `jwt`: wallet login, `/health`, unknown paths denied. */
  readonly generation: 'key' | 'jwt';
  readonly clientKeys?: readonly string[] | undefined;
  readonly minerKeys: readonly string[];
  readonly adminKeys?: readonly string[] | undefined;
  readonly jwtSecret?: string | undefined;
  readonly tokenSeconds?: number | undefined;
  readonly signerSeed: Uint8Array;
  readonly attesterSeed?: Uint8Array | undefined;
  readonly port?: number | undefined;
  readonly now?: (() => number) | undefined;
}

/** UTC timestamp without an offset, with microseconds, as printed by the deployed servers. */
export const naive = (ms: number): string => new Date(ms).toISOString().replace('Z', '456');
/** An error in FastAPI's format. */
export const detail = (status: number, text: string): ServerAnswer => ({ status, json: { detail: text } });

/** Response when a handler crashes. */
export function internalError(generation: 'key' | 'jwt'): ServerAnswer {
  return generation === 'key'
    ? { status: 500, text: 'Internal Server Error', headers: { 'content-type': 'text/plain' } }
    : {
        status: 500,
        json: {
          error: { type: 'internal_error', message: 'An unexpected error occurred', status_code: 500, path: '/v1' },
        },
      };
}

/** Shared by all live routes: authentication, job lookup and presentation. */
export interface LiveGate {
  readonly book: CoordinatorBook;
  readonly options: LiveServerOptions;
  readonly isJwt: boolean;
  /** Rejects unauthenticated requests. */
  asClient(handle: (request: ServerRequest, owner: string) => ServerAnswer): Handler;
  /** Rejects requests for a job that the caller does not own. */
  withJob(handle: (job: JobRecord) => ServerAnswer): Handler;
  asAdmin(handle: () => ServerAnswer): Handler;
  /** A receipt as shown to the job's submitter. */
  shown(receipt: string): string;
}

export function liveGate(book: CoordinatorBook, options: LiveServerOptions, jwtSecret: string): LiveGate {
  const isJwt = options.generation === 'jwt';
  const clientOf = (request: ServerRequest): string | ServerAnswer => {
    if (!isJwt) {
      const key = request.headers['x-api-key'] ?? '';
      return (options.clientKeys ?? []).includes(key) ? key : detail(401, 'invalid api key');
    }
    const token = /^Bearer (.+)$/.exec(request.headers['authorization'] ?? '')?.[1];
    if (token === undefined) return detail(401, 'Authorization header required');
    const claims = readJwt(token, jwtSecret, book.now);
    if (claims === undefined) return detail(401, 'Invalid token');
    return claims['role'] === 'client' ? String(claims['sub']) : detail(403, 'Role required');
  };
  const asClient: LiveGate['asClient'] = (handle) => (request) => {
    const owner = clientOf(request);
    return typeof owner === 'string' ? handle(request, owner) : owner;
  };
  return {
    book,
    options,
    isJwt,
    asClient,
    withJob: (handle) =>
      asClient((request, owner) => {
        const job = book.findJob(request.params['jobId'] ?? '', owner);
        return job === undefined ? detail(404, 'job not found') : handle(job);
      }),
    asAdmin: (handle) => (request) =>
      (options.adminKeys ?? []).includes(request.headers['x-api-key'] ?? '')
        ? handle()
        : detail(401, 'invalid api key'),
    shown: (receipt) => (isJwt ? withPostSigningMembers(receipt) : receipt),
  };
}

/** Adds the fields that the JWT generation writes into a receipt after signing. */
function withPostSigningMembers(receipt: string): string {
  return writeExact({ ...(parseExact(receipt) as JsonObject), zk_status: 'not_required', tee_status: 'not_required' });
}
