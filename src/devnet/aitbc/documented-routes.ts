import { createHash, randomBytes } from 'node:crypto';
import { compareDecimals } from '../../aitbc/decimal.js';
import type { ServiceName } from '../../aitbc/dialects/dialect.js';
import { jobFromView } from '../../aitbc/dialects/live-mapping.js';
import {
  isJsonMembers,
  type JsonMembers,
  parseLosslessJson,
  receiptHash,
  signReceipt,
  stringifyLosslessJson,
  verifyReceipt,
} from '../../aitbc/receipts/index.js';
import { CATALOGUE, findService, searchCatalogue } from '../../aitbc/registry/catalogue.js';
import { serviceRequirements, serviceSchema } from '../../aitbc/registry/service-schema.js';
import { validateServiceRequest } from '../../aitbc/registry/validate-request.js';
import { completeServiceRequest } from '../../aitbc/services/complete-request.js';
import { isWire, type Wire } from '../../aitbc/wire.js';
import { QuarryError } from '../../errors/index.js';
import type { CoordinatorBook, JobRecord } from './coordinator-book.js';
import type { Handler, Routes, ServerAnswer, ServerRequest } from './loopback-server.js';
import { minerRoutes } from './miner-routes.js';

/** Settings of a `DocumentedServer`. */
export interface DocumentedServerOptions {
  readonly clientKeys: readonly string[];
  readonly minerKeys: readonly string[];
  /** Raw Ed25519 seeds, 32 bytes: who signs receipts, who attests them. */
  readonly signerSeed: Uint8Array;
  readonly attesterSeed: Uint8Array;
  /** Job types taken. Default: any. */
  readonly jobTypes?: readonly string[];
  /** What clients can pay at most. Default `1000`. */
  readonly balance?: string;
  /** Adds `results_sha256` to receipts, so that they commit to the results. The page has no such member. */
  readonly bindResults?: boolean;
  readonly port?: number;
  readonly now?: () => number;
}

/** A job's state in the document's words. */
export const statusOf = (job: JobRecord): unknown => jobFromView({ state: job.state })['status'];
/** A timestamp as the document writes it. */
export const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** An error in the documented envelope. */
export function refuse(status: number, code: string, message: string): ServerAnswer {
  const requestId = `req_${randomBytes(6).toString('hex')}`;
  return {
    status,
    json: { error: { code, message, details: { request_id: requestId } } },
    headers: { 'x-request-id': requestId },
  };
}

/** Every documented operation, and the miner protocol beside them. */
export function documentedRoutes(book: CoordinatorBook, options: DocumentedServerOptions): Routes {
  const asClient =
    (handle: (request: ServerRequest, key: string) => ServerAnswer): Handler =>
    (request) => {
      const key = request.headers['x-api-key'] ?? '';
      const allowed = options.clientKeys.includes(key) || options.minerKeys.includes(key);
      return allowed ? handle(request, key) : refuse(401, 'INVALID_API_KEY', 'the API key is missing or unknown');
    };
  const body = (request: ServerRequest): Wire => {
    const value: unknown = JSON.parse(request.text || '{}');
    if (!isWire(value)) throw new QuarryError('INVALID_ARGUMENT', 'the body must be an object');
    return value;
  };
  const withJob = (handle: (job: JobRecord, request: ServerRequest) => ServerAnswer): Handler =>
    asClient((request, key) => {
      const job = book.findJob(request.params['jobId'] ?? '', key);
      return job === undefined ? refuse(404, 'JOB_NOT_FOUND', 'job does not exist') : handle(job, request);
    });
  const created = (job: JobRecord): Wire => ({
    job_id: job.id,
    status: statusOf(job),
    created_at: iso(job.requestedAt),
    estimated_completion: iso(job.expiresAt),
  });
  const serviceRoute = (service: ServiceName): Handler =>
    asClient((request, key) => {
      const full = completeServiceRequest(service, body(request));
      const job = book.createJob(key, { type: service, service_request: full });
      const { created_at: _, ...rest } = created(job);
      return { status: 201, json: { ...rest, service_type: service.split('/')[0]?.replace('-', '_') } };
    });

  return {
    'POST /v1/jobs': asClient((request, key) => {
      const job = body(request);
      const type = job['type'];
      if (typeof job['name'] !== 'string' || typeof type !== 'string')
        return refuse(400, 'VALIDATION_ERROR', 'name and type are required');
      if (options.jobTypes !== undefined && !options.jobTypes.includes(type)) {
        return refuse(400, 'INVALID_JOB_TYPE', `unsupported job type ${type}`);
      }
      const cost = isWire(job['pricing']) ? job['pricing']['max_cost'] : undefined;
      if (typeof cost === 'string' && compareDecimals(cost, options.balance ?? '1000') > 0) {
        return refuse(402, 'INSUFFICIENT_BALANCE', 'not enough funds in the wallet');
      }
      return { status: 201, json: created(book.createJob(key, job)) };
    }),
    'GET /v1/jobs': asClient((request, key) => {
      const limit = Number(request.query.get('limit') ?? 50);
      const offset = Number(request.query.get('offset') ?? 0);
      const status = request.query.get('status');
      const type = request.query.get('type');
      const all = [...book.jobs.keys()]
        .map((id) => book.findJob(id, key))
        .filter((job) => job !== undefined)
        .filter((job) => status === null || statusOf(job) === status)
        .filter((job) => type === null || job.payload['type'] === type);
      const jobs = all.slice(offset, offset + limit).map((job) => ({
        job_id: job.id,
        status: statusOf(job),
        type: job.payload['type'],
        created_at: iso(job.requestedAt),
      }));
      return { status: 200, json: { jobs, total: all.length, limit, offset } };
    }),
    'GET /v1/jobs/:jobId': withJob((job) => ({
      status: 200,
      json: {
        job_id: job.id,
        status: statusOf(job),
        ...(job.state === 'RUNNING' && { progress: 50 }),
        ...(job.state === 'COMPLETED' && { progress: 100 }),
        created_at: iso(job.requestedAt),
        ...(job.startedAt !== undefined && { started_at: iso(job.startedAt) }),
        estimated_completion: iso(job.expiresAt),
        ...(job.minerId !== undefined && { miner_id: job.minerId }),
        ...(job.error !== undefined && { error: job.error }),
      },
    })),
    'DELETE /v1/jobs/:jobId': withJob((job) =>
      book.cancel(job)
        ? { status: 200, json: { job_id: job.id, status: 'cancelled', cancelled_at: iso(book.now) } }
        : refuse(409, 'JOB_ALREADY_COMPLETED', 'cannot modify a completed job'),
    ),
    'GET /v1/jobs/:jobId/results': withJob((job) => {
      if (job.state === 'QUEUED' || job.state === 'RUNNING')
        return refuse(425, 'JOB_NOT_READY', 'the job has no results yet');
      const head = JSON.stringify({ job_id: job.id, status: statusOf(job) }).slice(0, -1);
      const completed = JSON.stringify(iso(job.finishedAt ?? book.now));
      return { status: 200, text: `${head},"results":${job.resultText ?? '{}'},"completed_at":${completed}}` };
    }),
    'POST /v1/marketplace/offers': asClient((request, key) => {
      const offer = body(request);
      if (typeof offer['job_type'] !== 'string' || typeof offer['price'] !== 'string') {
        return refuse(400, 'VALIDATION_ERROR', 'job_type and price are required');
      }
      const record = book.createOffer(request.headers['x-miner-id'] ?? publicIdOf(key), offer, 'active');
      return {
        status: 201,
        json: {
          offer_id: record.id,
          miner_id: record.minerId,
          status: record.status,
          created_at: iso(record.createdAt),
        },
      };
    }),
    'GET /v1/marketplace/offers': asClient((request) => {
      const jobType = request.query.get('job_type');
      const maxPrice = request.query.get('max_price');
      const offers = [...book.offers.values()]
        .filter((offer) => offer.status === 'active')
        .filter((offer) => jobType === null || offer.body['job_type'] === jobType)
        .filter((offer) => maxPrice === null || compareDecimals(String(offer.body['price']), maxPrice) <= 0)
        .slice(0, Number(request.query.get('limit') ?? 50))
        .map((offer) => ({
          offer_id: offer.id,
          miner_id: offer.minerId,
          job_type: offer.body['job_type'],
          price: offer.body['price'],
          reputation: reputationOf(book, offer.minerId),
        }));
      return { status: 200, json: { offers } };
    }),
    'POST /v1/marketplace/offers/:offerId/accept': asClient((request, key) => {
      const { job_id: jobId, bid_price: bid } = body(request);
      const offer = book.offers.get(request.params['offerId'] ?? '');
      if (offer === undefined || offer.status !== 'active')
        return refuse(410, 'OFFER_NOT_AVAILABLE', 'offer is no longer available');
      if (book.findJob(String(jobId), key) === undefined) return refuse(404, 'JOB_NOT_FOUND', 'job does not exist');
      if (compareDecimals(String(bid), options.balance ?? '1000') > 0)
        return refuse(402, 'INSUFFICIENT_BALANCE', 'not enough funds in the wallet');
      offer.taken++;
      if (offer.taken >= Number(offer.body['max_jobs'] ?? 1)) offer.status = 'closed';
      book.events.emit('offer', offer);
      const id = `tx_${randomBytes(8).toString('hex')}`;
      return { status: 201, json: { transaction_id: id, status: 'pending', created_at: iso(book.now) } };
    }),
    'GET /v1/receipts/:jobId': withJob((job) => {
      const receipt = job.receipts.at(-1);
      return receipt === undefined
        ? refuse(404, 'RECEIPT_NOT_FOUND', 'this job has no receipt')
        : { status: 200, text: receipt };
    }),
    'POST /v1/receipts/verify': asClient((request) => {
      const envelope = parseLosslessJson(request.text);
      const receipt = isJsonMembers(envelope) ? envelope.get('receipt') : undefined;
      if (!isJsonMembers(receipt)) return refuse(400, 'VALIDATION_ERROR', 'receipt is required');
      const result = verifyReceipt(receipt, {
        mode: 'strict',
        trustedAttesters: [signReceipt(new Map(), options.attesterSeed).key_id],
      });
      return {
        status: 200,
        json: {
          valid: result.verified,
          miner_signature_valid: result.minerSignature.valid,
          coordinator_attestations: result.attestations.filter(({ valid }) => valid).length,
          verified_at: iso(book.now),
        },
      };
    }),
    'GET /v1/marketplace/stats': asClient(() => {
      const jobs = [...book.jobs.values()];
      const count = (...states: string[]): number => jobs.filter(({ state }) => states.includes(state)).length;
      const miners = [...book.miners.values()];
      const done = miners.reduce((sum, miner) => sum + miner.completed + miner.failed, 0);
      const totalMs = miners.reduce((sum, miner) => sum + miner.totalMs, 0);
      return {
        status: 200,
        json: {
          total_jobs: jobs.length,
          active_jobs: count('QUEUED', 'RUNNING'),
          completed_jobs: count('COMPLETED'),
          failed_jobs: count('FAILED', 'EXPIRED'),
          average_completion_time: done === 0 ? 0 : totalMs / done / 1000,
          total_volume: '0.00',
          active_miners: miners.filter(({ status }) => status === 'ONLINE').length,
        },
      };
    }),
    'GET /v1/miners/:minerId/stats': asClient((request) => {
      const miner = book.miners.get(request.params['minerId'] ?? '');
      if (miner === undefined) return refuse(404, 'MINER_NOT_FOUND', 'miner does not exist');
      const total = miner.completed + miner.failed;
      return {
        status: 200,
        json: {
          miner_id: miner.id,
          reputation: reputationOf(book, miner.id),
          total_jobs: total,
          success_rate: total === 0 ? 0 : miner.completed / total,
          average_completion_time: total === 0 ? 0 : miner.totalMs / total / 1000,
          total_earned: '0.00',
          active_since: iso(miner.since),
        },
      };
    }),
    'GET /v1/health': () => ({
      status: 200,
      json: {
        status: 'ok',
        version: '1.0.0',
        environment: 'loopback',
        timestamp: iso(book.now),
        services: { database: 'healthy', blockchain: 'healthy', marketplace: 'healthy' },
      },
    }),
    'POST /v1/services/whisper/transcribe': serviceRoute('whisper/transcribe'),
    'POST /v1/services/stable-diffusion/generate': serviceRoute('stable-diffusion/generate'),
    'POST /v1/services/llm/inference': serviceRoute('llm/inference'),
    'POST /v1/services/ffmpeg/transcode': serviceRoute('ffmpeg/transcode'),
    'POST /v1/services/blender/render': serviceRoute('blender/render'),
    'GET /v1/registry/services': asClient((request) => ({
      status: 200,
      json: searchCatalogue(CATALOGUE, Object.fromEntries(request.query)),
    })),
    'GET /v1/registry/services/:id': asClient(({ params }) => ({ status: 200, json: findService(params['id'] ?? '') })),
    'GET /v1/registry/services/:id/schema': asClient(({ params }) => ({
      status: 200,
      json: serviceSchema(findService(params['id'] ?? '')),
    })),
    'GET /v1/registry/services/:id/requirements': asClient(({ params }) => ({
      status: 200,
      json: serviceRequirements(findService(params['id'] ?? '')),
    })),
    'POST /v1/registry/services/validate': asClient((request) => {
      const { service_id: id, request_data: data } = body(request);
      return { status: 200, json: validateServiceRequest(findService(String(id)), data) };
    }),
    ...minerRoutes({
      book,
      principal: (request) => {
        const key = request.headers['x-api-key'] ?? '';
        if (!options.minerKeys.includes(key))
          return refuse(401, 'INVALID_API_KEY', 'the miner key is missing or unknown');
        return request.headers['x-miner-id'] ?? publicIdOf(key);
      },
      refuse: (status, message) => refuse(status, status === 404 ? 'NOT_FOUND' : 'VALIDATION_ERROR', message),
      showReceipt: (receipt) => receipt,
    }),
  };
}

/** A public name for a key, so that the key itself never shows. */
function publicIdOf(key: string): string {
  return `miner_${createHash('sha256').update(key).digest('hex').slice(0, 10)}`;
}

/** Five points less the share of failures. */
function reputationOf(book: CoordinatorBook, minerId: string): number {
  const miner = book.miners.get(minerId);
  const total = (miner?.completed ?? 0) + (miner?.failed ?? 0);
  return total === 0 ? 5 : Math.round(((miner?.completed ?? 0) / total) * 50) / 10;
}

/** A receipt with exactly the documented members, signed and attested over their canonical form. */
export function documentedReceipt(job: JobRecord, options: DocumentedServerOptions): string {
  const finished = iso(job.finishedAt ?? Date.now());
  const members = parseLosslessJson(
    JSON.stringify({
      receipt_id: `receipt_${randomBytes(8).toString('hex')}`,
      job_id: job.id,
      miner_id: job.minerId,
      created_at: finished,
      ...(options.bindResults === true && { results_sha256: receiptHash(parseLosslessJson(job.resultText ?? '{}')) }),
    }),
  ) as JsonMembers;
  const base64 = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
  const signature = signReceipt(members, options.signerSeed);
  const attestation = signReceipt(members, options.attesterSeed);
  const unsigned = stringifyLosslessJson(members).slice(0, -1);
  const signed = JSON.stringify({
    signature: { sig: base64(signature.sig), public_key: base64(signature.key_id) },
    attestations: [{ type: 'completion', timestamp: finished, signature: base64(attestation.sig) }],
  });
  return `${unsigned},${signed.slice(1)}`;
}
