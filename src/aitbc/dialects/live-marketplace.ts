import type { AuthorisedTransport } from '../credentials.js';
import { compareDecimals } from '../decimal.js';
import { APIError, GoneError, UnsupportedOperationError } from '../errors.js';
import type { CallSpec } from '../transport.js';
import { isWire, type Wire } from '../wire.js';
import type { CallOptions } from './dialect.js';
import { expectObject } from './documented.js';
import { compact, money, offerFromRecord, offerServes, timestamp } from './live-mapping.js';

/** Addresses of a live network besides the coordinator. */
export interface LiveDialectOptions {
  /** The separate marketplace service, where offers are created and booked. Without `/v1`. */
  readonly marketplaceUrl?: string | undefined;
  /** Wallet address or provider name used for offers and bookings. */
  readonly marketplaceParty?: string | undefined;
  /** Health path, if a reverse proxy moves it. */
  readonly healthPath?: string | undefined;
}

/** Clock: Unix time in milliseconds. */
export interface LiveDialectDeps {
  readonly now: () => number;
}

/** Maximum page size for offers on a live coordinator. */
const OFFER_PAGE = 500;
/** Offers on a live network: listed by the coordinator, created and booked on the marketplace service. */
export class LiveMarketplace {
  readonly #name: 'live-key' | 'live-jwt';
  readonly #transport: AuthorisedTransport;
  readonly #options: LiveDialectOptions;
  readonly #now: () => number;

  constructor(
    name: 'live-key' | 'live-jwt',
    transport: AuthorisedTransport,
    options: LiveDialectOptions,
    deps: LiveDialectDeps,
  ) {
    this.#name = name;
    this.#transport = transport;
    this.#options = options;
    this.#now = deps.now;
  }

  async createOffer(body: Wire, options: CallOptions): Promise<Wire> {
    const { marketplaceUrl, marketplaceParty } = this.#options;
    if (marketplaceUrl === undefined) throw this.#noMarketplace('marketplace.createOffer', 'create offers');
    const { job_type, price, max_jobs, requirements, duration, ...rest } = body;
    const record = {
      ...rest,
      ...compact({ provider: marketplaceParty, capacity: max_jobs, price }),
      attributes: compact({ job_type, supported_models: [job_type], requirements, duration }),
    };
    const spec: CallSpec = {
      operation: 'marketplace.createOffer',
      method: 'POST',
      path: '/v1/marketplace/offers',
      baseUrl: marketplaceUrl,
      body: record,
    };
    const offer = offerFromRecord(await this.#object(spec, options));
    return compact({
      offer_id: offer['offer_id'],
      miner_id: offer['miner_id'],
      status: offer['status'] === 'available' || offer['status'] === 'open' ? 'active' : offer['status'],
      created_at: offer['created_at'] ?? new Date(this.#now()).toISOString(),
    });
  }

  async listOffers(query: Wire, options: CallOptions): Promise<Wire> {
    const spec: CallSpec = {
      operation: 'marketplace.listOffers',
      method: 'GET',
      path: '/v1/marketplace/offers',
      // No status filter: the live one rejects the very status that stored offers have.
      query: { limit: OFFER_PAGE, offset: 0 },
      baseUrl: this.#options.marketplaceUrl,
    };
    const body = await this.#call(spec, options);
    const list = Array.isArray(body) ? body.filter(isWire) : [];
    const jobType = query['job_type'];
    const maxPrice = money(query['max_price']);
    const limit = typeof query['limit'] === 'number' ? query['limit'] : 50;
    const offers = list
      .filter((record) => isOpen(record['status']))
      .filter((record) => typeof jobType !== 'string' || offerServes(record, jobType))
      .filter((record) => maxPrice === undefined || compareDecimals(money(record['price']) ?? '0', maxPrice) <= 0)
      .slice(0, limit)
      .map(offerFromRecord);
    return { offers };
  }

  async acceptOffer(offerId: string, body: Wire, options: CallOptions): Promise<Wire> {
    const { marketplaceUrl, marketplaceParty } = this.#options;
    if (marketplaceUrl === undefined) throw this.#noMarketplace('marketplace.acceptOffer', 'book offers');
    const spec: CallSpec = {
      operation: 'marketplace.acceptOffer',
      resource: 'offer',
      method: 'POST',
      path: `/v1/marketplace/offers/${encodeURIComponent(offerId)}/book`,
      baseUrl: marketplaceUrl,
      body: compact({ wallet: marketplaceParty, amount: body['bid_price'], job_id: body['job_id'] }),
    };
    let bid: Wire;
    try {
      bid = await this.#object(spec, options);
    } catch (error) {
      throw isOfferTaken(error) ? offerGone(error) : error;
    }
    return compact({
      transaction_id: bid['bid_id'],
      status: bid['status'],
      created_at: timestamp(bid['created_at']) ?? new Date(this.#now()).toISOString(),
    });
  }

  #noMarketplace(operation: string, what: string): UnsupportedOperationError {
    return new UnsupportedOperationError(
      operation,
      this.#name,
      `${what} on the marketplace service: set marketplaceUrl (--marketplace-url), usually port 8102`,
    );
  }

  async #call(spec: CallSpec, options: CallOptions): Promise<unknown> {
    // The marketplace service is a different server without authentication: send it no credentials.
    const call = { ...spec, signal: options.signal };
    const answer = await (spec.baseUrl === undefined
      ? this.#transport.call(this.#name, call)
      : this.#transport.transport.call(call));
    return answer.json();
  }

  async #object(spec: CallSpec, options: CallOptions): Promise<Wire> {
    return expectObject(await this.#call(spec, options), spec.operation);
  }
}

/** Whether an offer can still be taken; the statuses differ between generations. */
function isOpen(status: unknown): boolean {
  const word = String(status ?? 'open').toLowerCase();
  return word === 'open' || word === 'available' || word === 'active';
}

/** The marketplace service refuses a taken offer with a bare 400; the documented status is 410. */
function isOfferTaken(error: unknown): error is APIError {
  return error instanceof APIError && error.status === 400 && /not available/i.test(error.message);
}

function offerGone(error: APIError): GoneError {
  return new GoneError({
    status: error.status,
    apiCode: 'OFFER_NOT_AVAILABLE',
    message: 'the offer is no longer available',
    operation: error.operation,
    body: error.body,
  });
}
