import { QuarryError } from '../../errors/index.js';
import type { AuthorisedTransport } from '../credentials.js';
import { ValidationError } from '../errors.js';
import { keepExact } from '../exact-json.js';
import {
  isJsonMembers,
  parseLosslessJson,
  stringifyLosslessJson,
  type VerifyReceiptOptions,
} from '../receipts/index.js';
import type { ApiAnswer, CallSpec } from '../transport.js';
import { isWire, type Wire } from '../wire.js';
import type { CallOptions, CoordinatorDialect, ServiceName } from './dialect.js';

/** Exactly the documented API. */
export class DocumentedDialect implements CoordinatorDialect {
  readonly name = 'documented' as const;
  readonly #transport: AuthorisedTransport;

  constructor(transport: AuthorisedTransport) {
    this.#transport = transport;
  }

  async createJob(body: Wire, _live: Wire, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = { operation: 'jobs.create', resource: 'job', method: 'POST', path: '/v1/jobs', body };
    return expectJobId(await this.#object(spec, options), spec.operation);
  }

  async getJob(jobId: string, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = { operation: 'jobs.get', resource: 'job', method: 'GET', path: jobPath(jobId) };
    return expectStatus(expectJobId(await this.#object(spec, options), spec.operation), spec.operation);
  }

  async listJobs(query: Wire, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'jobs.list',
      method: 'GET',
      path: '/v1/jobs',
      query: query as CallSpec['query'] & {},
    };
    return expectList(await this.#object(spec, options), 'jobs', spec.operation);
  }

  async cancelJob(jobId: string, options: CallOptions): Promise<Wire> {
    return this.#object({ operation: 'jobs.cancel', resource: 'job', method: 'DELETE', path: jobPath(jobId) }, options);
  }

  async getResults(jobId: string, options: CallOptions): Promise<Wire> {
    const path = `${jobPath(jobId)}/results`;
    const spec: CallSpec = { operation: 'jobs.getResults', resource: 'job', method: 'GET', path };
    const answer = await this.#call(spec, options);
    return keepExact(expectObject(answer.json(), spec.operation), answer.text, 'results', 'results');
  }

  async createOffer(body: Wire, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'marketplace.createOffer',
      method: 'POST',
      path: '/v1/marketplace/offers',
      body,
    };
    return this.#object(spec, options);
  }

  async listOffers(query: Wire, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'marketplace.listOffers',
      method: 'GET',
      path: '/v1/marketplace/offers',
      query: query as CallSpec['query'] & {},
    };
    return expectList(await this.#object(spec, options), 'offers', spec.operation);
  }

  async acceptOffer(offerId: string, body: Wire, options: CallOptions): Promise<Wire> {
    const path = `/v1/marketplace/offers/${encodeURIComponent(offerId)}/accept`;
    const spec: CallSpec = { operation: 'marketplace.acceptOffer', resource: 'offer', method: 'POST', path, body };
    return this.#object(spec, options);
  }

  async getReceipt(jobId: string, options: CallOptions): Promise<string> {
    return (await this.#receipt(jobId, options)).text;
  }

  async getReceiptHistory(jobId: string, options: CallOptions): Promise<readonly string[]> {
    // One receipt per job is documented; servers that keep several return a list.
    return receiptTexts((await this.#receipt(jobId, options)).text);
  }

  async verifyReceipt(receipt: string, _verify: VerifyReceiptOptions, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'receipts.verify',
      resource: 'receipt',
      method: 'POST',
      path: '/v1/receipts/verify',
      // Verbatim: reprinting would lose the difference between 1 and 1.0, which the signature covers.
      rawBody: `{"receipt":${receipt}}`,
      safe: true,
    };
    return this.#object(spec, options);
  }

  async getMarketplaceStats(options: CallOptions): Promise<Wire> {
    return this.#object({ operation: 'marketplace.getStats', method: 'GET', path: '/v1/marketplace/stats' }, options);
  }

  async getMinerStats(minerId: string, options: CallOptions): Promise<Wire> {
    const path = `/v1/miners/${encodeURIComponent(minerId)}/stats`;
    return this.#object({ operation: 'miners.getStats', resource: 'miner', method: 'GET', path }, options);
  }

  async getHealth(options: CallOptions): Promise<Wire> {
    return this.#object({ operation: 'health', method: 'GET', path: '/v1/health' }, options);
  }

  async submitService(service: ServiceName, body: Wire, options: CallOptions): Promise<Wire> {
    return this.#object(
      { operation: `services.${service}`, method: 'POST', path: `/v1/services/${service}`, body },
      options,
    );
  }

  async listServices(query: Wire, options: CallOptions): Promise<readonly Wire[]> {
    const spec: CallSpec = {
      operation: 'registry.list',
      method: 'GET',
      path: '/v1/registry/services',
      query: query as CallSpec['query'] & {},
    };
    const body = (await this.#call(spec, options)).json();
    // The response is undocumented: upstream's model is a bare list, and other lists have an envelope.
    const list = Array.isArray(body) ? body : isWire(body) ? body['services'] : undefined;
    if (!Array.isArray(list)) throw new QuarryError('PROTOCOL', 'registry.list: the server did not answer with a list');
    return list.filter(isWire);
  }

  async getService(serviceId: string, options: CallOptions): Promise<Wire> {
    return this.#registry('registry.get', serviceId, '', options);
  }

  async getServiceSchema(serviceId: string, options: CallOptions): Promise<Wire> {
    return this.#registry('registry.schema', serviceId, '/schema', options);
  }

  async getServiceRequirements(serviceId: string, options: CallOptions): Promise<Wire> {
    return this.#registry('registry.requirements', serviceId, '/requirements', options);
  }

  async validateServiceRequest(serviceId: string, data: unknown, options: CallOptions): Promise<Wire> {
    const spec = {
      operation: 'registry.validate',
      resource: 'service',
      method: 'POST',
      path: '/v1/registry/services/validate',
      safe: true,
    } as const;
    try {
      return await this.#object({ ...spec, body: { service_id: serviceId, request_data: data } }, options);
    } catch (error) {
      // Upstream's handler, which is not mounted, takes the id from the query and the data as the whole body.
      if (!(error instanceof ValidationError) || error.status !== 422) throw error;
      return this.#object({ ...spec, query: { service_id: serviceId }, body: data }, options);
    }
  }

  async #registry(operation: string, serviceId: string, tail: string, options: CallOptions): Promise<Wire> {
    const path = `/v1/registry/services/${encodeURIComponent(serviceId)}${tail}`;
    return this.#object({ operation, resource: 'service', method: 'GET', path }, options);
  }

  async #receipt(jobId: string, options: CallOptions): Promise<ApiAnswer> {
    const path = `/v1/receipts/${encodeURIComponent(jobId)}`;
    return this.#call({ operation: 'receipts.get', resource: 'receipt', method: 'GET', path }, options);
  }

  async #call(spec: CallSpec, options: CallOptions): Promise<ApiAnswer> {
    return this.#transport.call('documented', { ...spec, signal: options.signal });
  }

  async #object(spec: CallSpec, options: CallOptions): Promise<Wire> {
    return expectObject((await this.#call(spec, options)).json(), spec.operation);
  }
}

/** @throws QuarryError `PROTOCOL` when a response is not a JSON object */
export function expectObject(body: unknown, operation: string): Wire {
  if (isWire(body)) return body;
  throw new QuarryError('PROTOCOL', `${operation}: the server did not answer with an object`);
}

/** @throws QuarryError `PROTOCOL` when a page lacks its list, or not all its items are objects */
function expectList(page: Wire, name: string, operation: string): Wire {
  const list = page[name];
  if (Array.isArray(list) && list.every(isWire)) return page;
  throw new QuarryError('PROTOCOL', `${operation}: the server did not answer with a list of ${name}`);
}

/** @throws QuarryError `PROTOCOL` when a job has no status: whoever waits for it would wait forever */
function expectStatus(job: Wire, operation: string): Wire {
  if (typeof job['status'] === 'string' && job['status'] !== '') return job;
  throw new QuarryError('PROTOCOL', `${operation}: the server did not tell the job's status`);
}

/** @throws QuarryError `PROTOCOL` when a job has no id, as it could not be tracked */
export function expectJobId(job: Wire, operation: string): Wire {
  if (typeof job['job_id'] === 'string' && job['job_id'] !== '') return job;
  throw new QuarryError('PROTOCOL', `${operation}: the server did not name the job`);
}

/**
 * Path of a job, with its id percent-encoded.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the id is empty, which would address the list
 */
export function jobPath(jobId: string): string {
  if (jobId === '') throw new QuarryError('INVALID_ARGUMENT', 'the job id is empty');
  return `/v1/jobs/${encodeURIComponent(jobId)}`;
}

/** Receipts in a response, each as text with its original number tokens: one object, a list, or `{items: […]}`. */
export function receiptTexts(text: string): readonly string[] {
  const node = parseLosslessJson(text);
  const list = isJsonMembers(node) ? node.get('items') : node;
  if (Array.isArray(list)) return list.filter((item) => isJsonMembers(item)).map((item) => stringifyLosslessJson(item));
  return isJsonMembers(node) ? [text] : [];
}

/** Cursor of the next page of receipts, under any of the names that upstream's client accepts. */
export function nextReceiptCursor(text: string): string | undefined {
  const node = parseLosslessJson(text);
  if (!isJsonMembers(node)) return undefined;
  for (const name of ['next_cursor', 'next', 'cursor']) {
    const cursor = node.get(name);
    if (typeof cursor === 'string' && cursor !== '') return cursor;
  }
  return undefined;
}
