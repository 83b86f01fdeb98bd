import type { Handler, Routes, ServerAnswer, ServerRequest } from '../loopback/router.js';
import type { JobRecord } from './coordinator-book.js';
import { isJsonObject, type JsonObject } from './json.js';
import { detail, internalError, type LiveGate, naive } from './live-gate.js';

/** Routes of jobs, and of the five services, which store a job and then fail. */
export function liveJobRoutes(gate: LiveGate): Routes {
  const { book, options, isJwt, asClient, withJob, shown } = gate;
  const create = (request: ServerRequest, owner: string): ServerAnswer => {
    const body: unknown = JSON.parse(request.text || '{}');
    const payload = isJsonObject(body) ? body['payload'] : undefined;
    if (!isJsonObject(body) || !isJsonObject(payload)) return missingPayload(isJwt);
    const constraints = isJsonObject(body['constraints']) ? body['constraints'] : {};
    return {
      status: 201,
      json: view(book.createJob(owner, payload, constraints, Number(body['ttl_seconds'] ?? 900)), isJwt),
    };
  };
  // The real handlers commit the job and then crash on a missing attribute.
  const brokenService: Handler = asClient((request, owner) => {
    book.createJob(owner, { service_request: JSON.parse(request.text) as JsonObject });
    return internalError(options.generation);
  });

  return {
    'POST /v1/jobs': asClient(create),
    ...(isJwt && { 'GET /v1/jobs': listJobs(gate) }),
    'GET /v1/jobs/:jobId': withJob((job) => ({ status: 200, json: view(job, isJwt) })),
    'POST /v1/jobs/:jobId/cancel': withJob((job) =>
      book.cancel(job) ? { status: 200, json: view(job, isJwt) } : detail(409, 'job not cancelable'),
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
    'POST /v1/services/whisper/transcribe': brokenService,
    'POST /v1/services/stable-diffusion/generate': brokenService,
    'POST /v1/services/llm/inference': brokenService,
    'POST /v1/services/ffmpeg/transcode': brokenService,
    'POST /v1/services/blender/render': brokenService,
  };
}

function listJobs({ book, asClient }: LiveGate): Handler {
  return asClient((request, owner) => {
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
      .map((job) => view(job, true));
    return { status: 200, json: { items, total: items.length, limit, offset } };
  });
}

function view(job: JobRecord, isJwt: boolean): JsonObject {
  return {
    job_id: job.id,
    state: job.state,
    assigned_miner_id: job.minerId ?? null,
    requested_at: naive(job.requestedAt),
    expires_at: naive(job.expiresAt),
    error: job.error ?? null,
    payment_id: null,
    payment_status: null,
    ...(isJwt && { payload: job.payload, zk_status: null, tee_status: null, auto_reinvest_pct: null }),
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
