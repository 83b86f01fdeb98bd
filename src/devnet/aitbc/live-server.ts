import { randomBytes } from 'node:crypto';
import { CoordinatorBook, type JobRecord } from './coordinator-book.js';
import { FaultQueue } from './fault-queue.js';
import { isJsonObject, type JsonObject, parseExact, writeExact } from './json.js';
import { readJwt } from './jwt.js';
import { liveReceipt } from './live-receipt.js';
import { type Handler, LoopbackServer, type Routes, type ServerAnswer, type ServerRequest } from './loopback-server.js';
import { marketplaceRoutes } from './marketplace-service.js';
import { minerRoutes } from './miner-routes.js';
import { walletRoutes } from './wallet-gate.js';

/** Settings of a {@link LiveServer}. */
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

/** What the route matrix of the JWT generation knows; everything else is denied before routing. */
const KNOWN_PATHS =
  /^\/(health$|v1\/(health$|jobs|payments|marketplace\/(offers|stats)$|miners\/|auth\/nonce$|login$|register$|users\/me$|reputation\/|services)|market\/)/;
const PUBLIC_PATHS = /^\/(health$|v1\/(health$|marketplace\/|auth\/|login$|register$|reputation\/)|market\/)/;

/** UTC without an offset, with microseconds, as the deployed servers print it. */
const naive = (ms: number): string => new Date(ms).toISOString().replace('Z', '456');
const detail = (status: number, text: string): ServerAnswer => ({ status, json: { detail: text } });

/**
 * A coordinator on 127.0.0.1 that behaves as the deployed ones do, faults included: other paths and bodies than the
 * page, services that store a job and then fail, a result that stays "not ready" for ever after a failure, receipts with
 * members added after signing. The separate marketplace service answers under `/market`.
 */
export class LiveServer {
  readonly faults: FaultQueue;
  readonly book: CoordinatorBook;
  readonly url: string;
  /** Where offers are created and booked. */
  readonly marketplaceUrl: string;
  readonly #server: LoopbackServer;

  private constructor(book: CoordinatorBook, server: LoopbackServer, faults: FaultQueue) {
    this.book = book;
    this.url = server.url;
    this.marketplaceUrl = `${server.url}/market`;
    this.#server = server;
    this.faults = faults;
  }

  static async start(options: LiveServerOptions): Promise<LiveServer> {
    const now = options.now ?? Date.now;
    const faults = new FaultQueue();
    const seeds = { signerSeed: options.signerSeed, attesterSeed: options.attesterSeed };
    const book = new CoordinatorBook({
      idPrefix: () => '',
      releaseOnFail: options.generation === 'key',
      now,
      writeReceipt: (job, result, metrics) => liveReceipt(job, result, metrics, seeds),
    });
    const jwtSecret = options.jwtSecret ?? randomBytes(32).toString('hex');
    const server = await LoopbackServer.start({
      routes: {
        ...liveRoutes(book, options, jwtSecret),
        ...marketplaceRoutes(book, '/market'),
        ...(options.generation === 'jwt' &&
          walletRoutes({ jwtSecret, now, tokenSeconds: options.tokenSeconds ?? 86_400 })),
      },
      guard: (request) => faults.take(request) ?? (options.generation === 'jwt' ? matrix(request, options) : undefined),
      noRoute: (_request, allow) =>
        allow.length > 0
          ? { status: 405, json: { detail: 'Method Not Allowed' }, headers: { allow: allow.join(', ') } }
          : detail(404, 'Not Found'),
      onError: () => internalError(options.generation),
      port: options.port,
    });
    return new LiveServer(book, server, faults);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

function internalError(generation: 'key' | 'jwt'): ServerAnswer {
  return generation === 'key'
    ? { status: 500, text: 'Internal Server Error', headers: { 'content-type': 'text/plain' } }
    : {
        status: 500,
        json: {
          error: { type: 'internal_error', message: 'An unexpected error occurred', status_code: 500, path: '/v1' },
        },
      };
}

/** Paths the matrix does not know never reach the router: 401 without credentials, 403 with any. */
function matrix(request: ServerRequest, options: LiveServerOptions): ServerAnswer | undefined {
  const { authorization, 'x-api-key': key } = request.headers;
  const hasCredentials = authorization !== undefined || options.minerKeys.includes(key ?? '');
  if (PUBLIC_PATHS.test(request.path)) return undefined;
  if (!hasCredentials) return detail(401, 'Authentication required');
  return KNOWN_PATHS.test(request.path) ? undefined : detail(403, 'Forbidden');
}

function liveRoutes(book: CoordinatorBook, options: LiveServerOptions, jwtSecret: string): Routes {
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
  const asClient =
    (handle: (request: ServerRequest, owner: string) => ServerAnswer): Handler =>
    (request) => {
      const owner = clientOf(request);
      return typeof owner === 'string' ? handle(request, owner) : owner;
    };
  const withJob = (handle: (job: JobRecord) => ServerAnswer): Handler =>
    asClient((request, owner) => {
      const job = book.findJob(request.params['jobId'] ?? '', owner);
      return job === undefined ? detail(404, 'job not found') : handle(job);
    });
  const asAdmin =
    (handle: () => ServerAnswer): Handler =>
    (request) =>
      (options.adminKeys ?? []).includes(request.headers['x-api-key'] ?? '')
        ? handle()
        : detail(401, 'invalid api key');
  const view = (job: JobRecord): JsonObject => ({
    job_id: job.id,
    state: job.state,
    assigned_miner_id: job.minerId ?? null,
    requested_at: naive(job.requestedAt),
    expires_at: naive(job.expiresAt),
    error: job.error ?? null,
    payment_id: null,
    payment_status: null,
    ...(isJwt && { payload: job.payload, zk_status: null, tee_status: null, auto_reinvest_pct: null }),
  });
  const shown = (receipt: string): string => (isJwt ? withPostSigningMembers(receipt) : receipt);
  const create = (request: ServerRequest, owner: string): ServerAnswer => {
    const body: unknown = JSON.parse(request.text || '{}');
    const payload = isJsonObject(body) ? body['payload'] : undefined;
    if (!isJsonObject(body) || !isJsonObject(payload)) return missingPayload(isJwt);
    const constraints = isJsonObject(body['constraints']) ? body['constraints'] : {};
    return { status: 201, json: view(book.createJob(owner, payload, constraints, Number(body['ttl_seconds'] ?? 900))) };
  };
  // The handlers commit the job and then read an attribute it does not have.
  const brokenService: Handler = asClient((request, owner) => {
    book.createJob(owner, { service_request: JSON.parse(request.text) as JsonObject });
    return internalError(options.generation);
  });

  return {
    'POST /v1/jobs': asClient(create),
    ...(isJwt && {
      'GET /v1/jobs': asClient((request, owner) => {
        const limit = Number(request.query.get('limit') ?? 20);
        const offset = Number(request.query.get('offset') ?? 0);
        const status = (request.query.get('status') ?? '').toUpperCase();
        const known = ['QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELED', 'EXPIRED'].includes(status);
        const type = request.query.get('job_type');
        const items = [...book.jobs.keys()]
          .reverse()
          .map((id) => book.findJob(id, owner))
          .filter((job) => job !== undefined)
          .filter((job) => !known || job.state === status)
          .filter((job) => type === null || job.payload['type'] === type)
          .slice(offset, offset + limit)
          .map(view);
        return { status: 200, json: { items, total: items.length, limit, offset } };
      }),
    }),
    'GET /v1/jobs/:jobId': withJob((job) => ({ status: 200, json: view(job) })),
    'POST /v1/jobs/:jobId/cancel': withJob((job) =>
      book.cancel(job) ? { status: 200, json: view(job) } : detail(409, 'job not cancelable'),
    ),
    'GET /v1/jobs/:jobId/result': withJob((job) => {
      const receipt = job.receipts.at(-1);
      if (job.resultText === undefined && receipt === undefined) return detail(425, 'job not ready');
      const text = receipt === undefined ? 'null' : shown(receipt);
      return { status: 200, text: `{"result":${job.resultText ?? 'null'},"receipt":${text}}` };
    }),
    'GET /v1/jobs/:jobId/receipt': withJob((job) => {
      const receipt = job.receipts.at(-1);
      return receipt === undefined ? detail(404, 'receipt not available') : { status: 200, text: shown(receipt) };
    }),
    'GET /v1/jobs/:jobId/receipts': asClient((request, owner) => {
      const job = book.findJob(request.params['jobId'] ?? '', owner);
      if (job === undefined) return internalError(options.generation);
      return { status: 200, text: `{"items":[${job.receipts.map(shown).join(',')}]}` };
    }),
    'GET /v1/marketplace/offers': () => ({
      status: 200,
      json: [...book.offers.values()].map((offer) => ({
        id: offer.id,
        provider: offer.minerId,
        capacity: Number(offer.body['capacity'] ?? 1),
        price: isJwt ? Number(offer.body['price']).toFixed(8) : Number(offer.body['price']),
        sla: '99.9%',
        status: offer.status,
        created_at: naive(offer.createdAt),
        ...(isJwt && {
          gpu_model: null,
          gpu_memory_gb: null,
          region: null,
          attributes: offer.body['attributes'] ?? null,
        }),
      })),
    }),
    'GET /v1/marketplace/stats': () => ({
      status: 200,
      json: {
        totalOffers: book.offers.size,
        openCapacity: book.offers.size,
        averagePrice: isJwt ? '0.50000000' : 0.5,
        activeBids: 0,
      },
    }),
    ...(isJwt
      ? {
          'GET /health': () => ({ status: 200, json: { status: 'ok', env: 'loopback', python_version: '3.13.5' } }),
          'GET /v1/reputation/profile/:agentId': (request: ServerRequest) => {
            const miner = book.miners.get(request.params['agentId'] ?? '');
            return miner === undefined
              ? detail(404, 'Reputation profile not found')
              : {
                  status: 200,
                  json: {
                    agent_id: miner.id,
                    trust_score: 500,
                    jobs_completed: miner.completed,
                    jobs_failed: miner.failed,
                    success_rate: (100 * miner.completed) / Math.max(1, miner.completed + miner.failed),
                  },
                };
          },
        }
      : {
          'GET /v1/health': () => ({ status: 200, json: { status: 'ok', env: 'loopback' } }),
          'GET /v1/admin/stats': asAdmin(() => ({
            status: 200,
            json: {
              total_jobs: book.jobs.size,
              active_jobs: 0,
              online_miners: book.miners.size,
              avg_miner_job_duration_ms: 0,
            },
          })),
          'GET /v1/admin/miners': asAdmin(() => ({
            status: 200,
            json: {
              items: [...book.miners.values()].map((miner) => ({
                miner_id: miner.id,
                status: miner.status,
                inflight: miner.inflight,
                average_job_duration_ms: miner.totalMs / Math.max(1, miner.completed + miner.failed),
                jobs_completed: miner.completed,
                jobs_failed: miner.failed,
              })),
            },
          })),
        }),
    'POST /v1/services/whisper/transcribe': brokenService,
    'POST /v1/services/stable-diffusion/generate': brokenService,
    'POST /v1/services/llm/inference': brokenService,
    'POST /v1/services/ffmpeg/transcode': brokenService,
    'POST /v1/services/blender/render': brokenService,
    ...minerRoutes({
      book,
      principal: (request) => {
        const key = request.headers['x-api-key'] ?? '';
        if (!options.minerKeys.includes(key)) return detail(401, isJwt ? 'Invalid API key' : 'invalid api key');
        // The older generation has no public miner id: the key itself is stored and shown.
        return isJwt ? (request.headers['x-miner-id'] ?? key) : key;
      },
      refuse: detail,
      showReceipt: shown,
    }),
  };
}

function missingPayload(isJwt: boolean): ServerAnswer {
  if (!isJwt)
    return {
      status: 422,
      json: { detail: [{ type: 'missing', loc: ['body', 'payload'], msg: 'Field required', input: {} }] },
    };
  return {
    status: 422,
    json: {
      error: {
        code: 'VALIDATION_ERROR',
        message: 'Request validation failed',
        status: 422,
        details: [{ field: 'body.payload', message: 'Field required', code: 'missing' }],
      },
      timestamp: '2026-01-01T00:00:00+00:00Z',
      request_id: 'live-request-1',
    },
  };
}

/** What the JWT generation writes into a receipt after signing it. */
function withPostSigningMembers(receipt: string): string {
  return writeExact({ ...(parseExact(receipt) as JsonObject), zk_status: 'not_required', tee_status: 'not_required' });
}
