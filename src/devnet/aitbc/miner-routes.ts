import type { Handler, Routes, ServerAnswer, ServerRequest } from '../loopback/router.js';
import type { CoordinatorBook, JobRecord, MinerRecord } from './coordinator-book.js';
import { isJsonObject, type JsonObject, parseExact, writeExact } from './json.js';

/** Options of {@link minerRoutes}. */
export interface MinerRouteOptions {
  readonly book: CoordinatorBook;
  /** Returns the miner's id, or the response that rejects the request. */
  readonly principal: (request: ServerRequest) => string | ServerAnswer;
  readonly refuse: (status: number, message: string) => ServerAnswer;
  /** A receipt as shown to the job's submitter. */
  readonly showReceipt: (receipt: string, job: JobRecord) => string;
}

/** The miner protocol of the deployed coordinators, which is undocumented. */
export function minerRoutes({ book, principal, refuse, showReceipt }: MinerRouteOptions): Routes {
  const asMiner =
    (handle: (request: ServerRequest, minerId: string, body: JsonObject) => ServerAnswer): Handler =>
    (request) => {
      const id = principal(request);
      if (typeof id !== 'string') return id;
      const body: unknown = request.text === '' ? {} : JSON.parse(request.text);
      return isJsonObject(body) ? handle(request, id, body) : refuse(422, 'body must be an object');
    };
  const known = (id: string): MinerRecord | undefined => book.miners.get(id);

  return {
    'POST /v1/miners/register': asMiner((_request, id, body) => {
      const capabilities = isJsonObject(body['capabilities']) ? body['capabilities'] : {};
      const region = typeof body['region'] === 'string' ? body['region'] : null;
      book.registerMiner(id, capabilities, Number(body['concurrency'] ?? 1), region);
      return { status: 200, json: { status: 'ok', session_token: `session-${id.length}` } };
    }),
    'POST /v1/miners/heartbeat': asMiner((_request, id, body) => {
      const miner = known(id);
      if (miner === undefined) return refuse(404, 'miner not registered');
      miner.inflight = Number(body['inflight'] ?? 0);
      miner.status = String(body['status'] ?? 'ONLINE');
      miner.lastHeartbeat = book.now;
      return { status: 200, json: { status: 'ok' } };
    }),
    'POST /v1/miners/poll': asMiner((_request, id) => {
      const miner = known(id);
      // For an unknown miner the deployed servers crash instead of returning 404.
      if (miner === undefined)
        return { status: 500, text: 'Internal Server Error', headers: { 'content-type': 'text/plain' } };
      const job = book.assign(miner);
      if (job === undefined) return { status: 204 };
      return { status: 200, json: { job_id: job.id, payload: job.payload, constraints: job.constraints } };
    }),
    'POST /v1/miners/:jobId/result': asMiner((request, id) => {
      const job = book.findJob(request.params['jobId'] ?? '', undefined);
      if (job === undefined) return refuse(404, 'job not found');
      const submission = parseExact(request.text) as JsonObject;
      const result = submission['result'];
      if (!isJsonObject(result)) return refuse(422, 'result is required');
      job.minerId ??= id;
      const receipt = book.complete(job, submission, writeExact(result));
      const shown = receipt === undefined ? 'null' : showReceipt(receipt, job);
      return { status: 200, text: `{"status":"ok","receipt":${shown}}` };
    }),
    'POST /v1/miners/:jobId/fail': asMiner((request, _id, body) => {
      const job = book.findJob(request.params['jobId'] ?? '', undefined);
      if (job === undefined) return refuse(404, 'job not found');
      if (typeof body['error_code'] !== 'string' || typeof body['error_message'] !== 'string') {
        return refuse(422, 'error_code and error_message are required');
      }
      book.fail(job, `${body['error_code']}: ${body['error_message']}`);
      return { status: 200, json: { status: 'ok' } };
    }),
  };
}
