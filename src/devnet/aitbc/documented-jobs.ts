import type { Handler, Routes } from '../loopback/router.js';
import { compareAmounts } from './amount.js';
import type { JobRecord } from './coordinator-book.js';
import { bodyOf, type DocumentedGate, refuse } from './documented-gate.js';
import { iso, statusOf } from './job-words.js';
import { isJsonObject, type JsonObject } from './json.js';
import { acceptServiceRequest } from './service-requests.js';

/** Routes of jobs, and of the five services, which are jobs of a fixed form. */
export function documentedJobRoutes({ book, options, asClient, withJob }: DocumentedGate): Routes {
  const created = (job: JobRecord): JsonObject => ({
    job_id: job.id,
    status: statusOf(job),
    created_at: iso(job.requestedAt),
    estimated_completion: iso(job.expiresAt),
  });
  const serviceRoute = (service: string): Handler =>
    asClient((request, key) => {
      const full = acceptServiceRequest(service, bodyOf(request));
      const job = book.createJob(key, { type: service, service_request: full });
      const { created_at: _, ...rest } = created(job);
      return { status: 201, json: { ...rest, service_type: service.split('/')[0]?.replace('-', '_') } };
    });
  return {
    'POST /v1/jobs': asClient((request, key) => {
      const job = bodyOf(request);
      const type = job['type'];
      if (typeof job['name'] !== 'string' || typeof type !== 'string')
        return refuse(400, 'VALIDATION_ERROR', 'name and type are required');
      if (options.jobTypes !== undefined && !options.jobTypes.includes(type)) {
        return refuse(400, 'INVALID_JOB_TYPE', `unsupported job type ${type}`);
      }
      const cost = isJsonObject(job['pricing']) ? job['pricing']['max_cost'] : undefined;
      if (typeof cost === 'string' && compareAmounts(cost, options.balance ?? '1000') > 0) {
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
        miner_id: job.minerId,
        error: job.error,
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
    'POST /v1/services/whisper/transcribe': serviceRoute('whisper/transcribe'),
    'POST /v1/services/stable-diffusion/generate': serviceRoute('stable-diffusion/generate'),
    'POST /v1/services/llm/inference': serviceRoute('llm/inference'),
    'POST /v1/services/ffmpeg/transcode': serviceRoute('ffmpeg/transcode'),
    'POST /v1/services/blender/render': serviceRoute('blender/render'),
  };
}
