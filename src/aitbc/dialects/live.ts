import { isAbort, QuarryError } from '../../errors/index.js';
import type { AuthorisedTransport } from '../credentials.js';
import { JobFailedError, NotReadyError, UnsupportedOperationError } from '../errors.js';
import { keepExact } from '../exact-json.js';
import { type VerifyReceiptOptions, verifyReceipt } from '../receipts/index.js';
import { CATALOGUE, findService, searchCatalogue } from '../registry/catalogue.js';
import { serviceRequirements, serviceSchema } from '../registry/service-schema.js';
import { validateServiceRequest } from '../registry/validate-request.js';
import { liveServiceJob } from '../services/live-service-job.js';
import type { ApiAnswer, CallSpec } from '../transport.js';
import { isWire, type Wire } from '../wire.js';
import type { CallOptions, CoordinatorDialect, ServiceName } from './dialect.js';
import { expectJobId, expectObject, jobPath, nextReceiptCursor, receiptTexts } from './documented.js';
import { compact, isTerminal, jobFromView, money, STATE_OF_STATUS, statusOfState, timestamp } from './live-mapping.js';
import { type LiveDialectDeps, type LiveDialectOptions, LiveMarketplace } from './live-marketplace.js';

/** Jobs per request when filtering here; the coordinator's default is 20. */
const JOB_PAGE = 200;
/** Maximum receipt pages, in case a cursor never ends. */
const MAX_RECEIPT_PAGES = 100;

/** The deployed coordinators: `live-key` (API keys) and `live-jwt` (wallet login). */
export class LiveDialect implements CoordinatorDialect {
  readonly name: 'live-key' | 'live-jwt';
  readonly #transport: AuthorisedTransport;
  readonly #options: LiveDialectOptions;
  readonly #now: () => number;
  readonly #market: LiveMarketplace;

  constructor(
    name: 'live-key' | 'live-jwt',
    transport: AuthorisedTransport,
    options: LiveDialectOptions,
    deps: LiveDialectDeps,
  ) {
    this.name = name;
    this.#transport = transport;
    this.#options = options;
    this.#now = deps.now;
    this.#market = new LiveMarketplace(name, transport, options, deps);
  }

  async createJob(body: Wire, live: Wire, options: CallOptions): Promise<Wire> {
    // The whole documented body becomes the payload. `max_cost` stays there, because `constraints.max_price` would
    // exclude miners that advertise no price.
    return jobFromView(await this.#post('jobs.create', '/v1/jobs', { payload: body, ...live }, options));
  }

  async getJob(jobId: string, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = { operation: 'jobs.get', resource: 'job', method: 'GET', path: jobPath(jobId) };
    return jobFromView(await this.#object(spec, options));
  }

  async listJobs(query: Wire, options: CallOptions): Promise<Wire> {
    if (this.name === 'live-key') {
      throw new UnsupportedOperationError(
        'jobs.list',
        this.name,
        'this coordinator has no list of jobs; remember the ids from jobs.create and read each with jobs.get',
      );
    }
    const limit = typeof query['limit'] === 'number' ? query['limit'] : 50;
    const offset = typeof query['offset'] === 'number' ? query['offset'] : 0;
    const status = typeof query['status'] === 'string' ? query['status'] : undefined;
    const type = typeof query['type'] === 'string' ? query['type'] : undefined;
    // Expired jobs count as failed, so only that status combines two live states.
    const states = status === undefined ? [undefined] : status === 'failed' ? ['FAILED', 'EXPIRED'] : [stateOf(status)];
    const views: Wire[] = [];
    for (const state of states) {
      const before = views.length;
      for (let at = 0; views.length - before < offset + limit + 1; at += JOB_PAGE) {
        const spec: CallSpec = {
          operation: 'jobs.list',
          method: 'GET',
          path: '/v1/jobs',
          query: { limit: JOB_PAGE, offset: at, status: state, job_type: type },
        };
        const items = (await this.#object(spec, options))['items'];
        const page = Array.isArray(items) ? items.filter(isWire) : [];
        // The server ignores statuses it does not know, so filter again here.
        for (const view of page) {
          if (state === undefined || statusOfState(view['state']) === status) views.push(view);
        }
        if (page.length < JOB_PAGE) break;
      }
    }
    views.sort((a, b) => String(b['requested_at']).localeCompare(String(a['requested_at'])));
    const jobs = views.slice(offset, offset + limit).map(jobFromView);
    // The server's `total` is only the length of its page; report the number known up to this page.
    return { jobs, total: views.length, limit, offset };
  }

  async cancelJob(jobId: string, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'jobs.cancel',
      resource: 'job',
      method: 'POST',
      path: `${jobPath(jobId)}/cancel`,
    };
    const job = jobFromView(await this.#object(spec, options));
    return { job_id: job['job_id'], status: job['status'], cancelled_at: new Date(this.#now()).toISOString() };
  }

  async getResults(jobId: string, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'jobs.getResults',
      resource: 'job',
      method: 'GET',
      path: `${jobPath(jobId)}/result`,
    };
    let answer: ApiAnswer;
    try {
      answer = await this.#call(spec, options);
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error;
      // 425 is also the permanent response for a job that ended without a result.
      const job = await this.getJob(jobId, options);
      const status = String(job['status']);
      if (!isTerminal(status)) throw error;
      throw new JobFailedError(jobId, status, typeof job['error'] === 'string' ? job['error'] : undefined);
    }
    const body = expectObject(answer.json(), spec.operation);
    const receipt = isWire(body['receipt']) ? body['receipt'] : {};
    const results = compact({
      job_id: jobId,
      status: 'completed',
      results: body['result'] ?? {},
      completed_at: timestamp(receipt['completed_at']),
    });
    return keepExact(results, answer.text, 'result', 'results');
  }

  async createOffer(body: Wire, options: CallOptions): Promise<Wire> {
    return this.#market.createOffer(body, options);
  }

  async listOffers(query: Wire, options: CallOptions): Promise<Wire> {
    return this.#market.listOffers(query, options);
  }

  async acceptOffer(offerId: string, body: Wire, options: CallOptions): Promise<Wire> {
    return this.#market.acceptOffer(offerId, body, options);
  }

  async getReceipt(jobId: string, options: CallOptions): Promise<string> {
    const path = `${jobPath(jobId)}/receipt`;
    return (await this.#call({ operation: 'receipts.get', resource: 'receipt', method: 'GET', path }, options)).text;
  }

  async getReceiptHistory(jobId: string, options: CallOptions): Promise<readonly string[]> {
    // For an unknown job the history route returns 500; requesting the job first turns that into a 404.
    await this.getJob(jobId, options);
    const texts: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_RECEIPT_PAGES; page++) {
      const spec: CallSpec = {
        operation: 'receipts.history',
        resource: 'receipt',
        method: 'GET',
        path: `${jobPath(jobId)}/receipts`,
        query: { cursor },
      };
      const { text } = await this.#call(spec, options);
      for (const receipt of receiptTexts(text)) texts.push(receipt);
      const next = nextReceiptCursor(text);
      if (next === undefined || next === cursor) break;
      cursor = next;
    }
    return texts;
  }

  async verifyReceipt(receipt: string, verify: VerifyReceiptOptions, _options: CallOptions): Promise<Wire> {
    return documentedVerification(verifyReceipt(receipt, verify), this.#now());
  }

  async getMarketplaceStats(options: CallOptions): Promise<Wire> {
    const spec: CallSpec = { operation: 'marketplace.getStats', method: 'GET', path: '/v1/marketplace/stats' };
    const stats = await this.#object(spec, options);
    const own = compact({
      total_offers: stats['totalOffers'],
      open_capacity: stats['openCapacity'],
      average_price: money(stats['averagePrice']),
      active_bids: stats['activeBids'],
    });
    if (!this.#transport.hasAdmin) return own;
    const jobs = await this.#adminJobCounts(options);
    return { ...jobs, ...own, synthesized: Object.keys(jobs) };
  }

  async getMinerStats(minerId: string, options: CallOptions): Promise<Wire> {
    if (this.name === 'live-key') return this.#minerStatsFromAdmin(minerId, options);
    const profile = await this.#object(
      {
        operation: 'miners.getStats',
        resource: 'miner',
        method: 'GET',
        path: `/v1/reputation/profile/${encodeURIComponent(minerId)}`,
      },
      options,
    );
    const found = compact({
      miner_id: minerId,
      reputation: profile['trust_score'] ?? profile['reputation'],
      total_jobs: sum(profile['jobs_completed'], profile['jobs_failed']),
      // A percentage here, a fraction in the documentation.
      success_rate: typeof profile['success_rate'] === 'number' ? profile['success_rate'] / 100 : undefined,
      total_earned: money(profile['total_earnings']),
      active_since: timestamp(profile['created_at']),
    });
    return { ...found, synthesized: Object.keys(found).filter((name) => name !== 'miner_id') };
  }

  async getHealth(options: CallOptions): Promise<Wire> {
    const path = this.#options.healthPath ?? (this.name === 'live-key' ? '/v1/health' : '/health');
    const body = await this.#object({ operation: 'health', method: 'GET', path }, options);
    const { status, env, ...rest } = body;
    return compact({ status, environment: env, ...rest });
  }

  async submitService(service: ServiceName, body: Wire, options: CallOptions): Promise<Wire> {
    // The service routes store the job and then fail with 500; the job route accepts the same job.
    const { job, serviceType } = liveServiceJob(service, body);
    const view = await this.#post(`services.${service}`, '/v1/jobs', job, options);
    return compact({
      job_id: view['job_id'],
      service_type: serviceType,
      status: statusOfState(view['state']),
      estimated_completion: timestamp(view['expires_at']),
    });
  }

  // No deployed coordinator serves the registry, so use the built-in catalogue.
  async listServices(query: Wire, _options: CallOptions): Promise<readonly Wire[]> {
    return searchCatalogue(CATALOGUE, query);
  }

  async getService(serviceId: string, _options: CallOptions): Promise<Wire> {
    return { ...findService(serviceId) };
  }

  async getServiceSchema(serviceId: string, _options: CallOptions): Promise<Wire> {
    return serviceSchema(findService(serviceId));
  }

  async getServiceRequirements(serviceId: string, _options: CallOptions): Promise<Wire> {
    return serviceRequirements(findService(serviceId));
  }

  async validateServiceRequest(serviceId: string, data: unknown, _options: CallOptions): Promise<Wire> {
    return { ...validateServiceRequest(findService(serviceId), data) };
  }

  async #adminJobCounts(options: CallOptions): Promise<Wire> {
    // Best effort: these routes fail on some deployments.
    try {
      const path = this.name === 'live-key' ? '/v1/admin/stats' : '/v1/admin/status';
      const answer = await this.#transport.callAsAdmin(this.name, {
        operation: 'marketplace.getStats',
        method: 'GET',
        path,
        signal: options.signal,
      });
      const body = expectObject(answer.json(), 'marketplace.getStats');
      const jobs = isWire(body['jobs']) ? body['jobs'] : {};
      const miners = isWire(body['miners']) ? body['miners'] : {};
      const averageMs = body['avg_miner_job_duration_ms'];
      return compact({
        total_jobs: jobs['total'] ?? body['total_jobs'],
        active_jobs: jobs['active'] ?? body['active_jobs'],
        completed_jobs: jobs['completed'],
        failed_jobs: jobs['failed'],
        active_miners: miners['online'] ?? body['online_miners'],
        average_completion_time: typeof averageMs === 'number' ? averageMs / 1000 : undefined,
      });
    } catch (error) {
      if (isAbort(error)) throw error;
      return {};
    }
  }

  async #minerStatsFromAdmin(minerId: string, options: CallOptions): Promise<Wire> {
    if (!this.#transport.hasAdmin) {
      throw new UnsupportedOperationError(
        'miners.getStats',
        this.name,
        'give an administrator key (adminApiKey) to compute them from GET /v1/admin/miners',
      );
    }
    const spec: CallSpec = { operation: 'miners.getStats', resource: 'miner', method: 'GET', path: '/v1/admin/miners' };
    const answer = await this.#transport.callAsAdmin(this.name, { ...spec, signal: options.signal });
    const items = expectObject(answer.json(), spec.operation)['items'];
    const miner = (Array.isArray(items) ? items : []).filter(isWire).find((item) => item['miner_id'] === minerId);
    if (miner === undefined) {
      throw new QuarryError('NOT_FOUND', `no miner ${minerId} on this coordinator`, {
        hint: 'a live-key coordinator identifies a miner by the API key it registered with, not by a public name',
      });
    }
    const completed = Number(miner['jobs_completed'] ?? 0);
    const total = completed + Number(miner['jobs_failed'] ?? 0);
    const averageMs = miner['average_job_duration_ms'];
    const found = compact({
      total_jobs: total,
      success_rate: total === 0 ? undefined : completed / total,
      average_completion_time: typeof averageMs === 'number' ? averageMs / 1000 : undefined,
    });
    return { miner_id: minerId, ...found, synthesized: Object.keys(found) };
  }

  async #call(spec: CallSpec, options: CallOptions): Promise<ApiAnswer> {
    return this.#transport.call(this.name, { ...spec, signal: options.signal });
  }

  async #object(spec: CallSpec, options: CallOptions): Promise<Wire> {
    return expectObject((await this.#call(spec, options)).json(), spec.operation);
  }

  async #post(operation: string, path: string, body: Wire, options: CallOptions): Promise<Wire> {
    return expectJobId(
      await this.#object({ operation, resource: 'job', method: 'POST', path, body }, options),
      operation,
    );
  }
}

/** Converts a local verification to the documented response. */
export function documentedVerification(result: ReturnType<typeof verifyReceipt>, nowMs: number): Wire {
  return {
    valid: result.verified,
    miner_signature_valid: result.minerSignature.valid,
    coordinator_attestations: result.attestations.filter((check) => check.valid).length,
    verified_at: new Date(nowMs).toISOString(),
  };
}

function stateOf(status: string): string {
  return (STATE_OF_STATUS as Readonly<Record<string, string>>)[status] ?? status.toUpperCase();
}

function sum(a: unknown, b: unknown): number | undefined {
  return typeof a === 'number' ? a + (typeof b === 'number' ? b : 0) : undefined;
}
