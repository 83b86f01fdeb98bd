import type { CallOptions } from '../dialects/dialect.js';
import {
  type AcceptedOffer,
  type CreatedOffer,
  type MarketplaceStats,
  type Offer,
  type OfferInput,
  type OfferQuery,
  SHAPES,
} from '../models.js';
import { fromWire, toWire, type Wire } from '../wire.js';
import type { Run } from './jobs.js';

/** Takes an offer for a job at a price. */
export interface AcceptOfferInput {
  readonly offerId: string;
  readonly jobId: string;
  /** Decimal string. */
  readonly bidPrice: string;
}

/** `client.marketplace`. */
export class MarketplaceNamespace {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  /**
   * Offers capacity.
   *
   * @throws UnsupportedOperationError on a live coordinator without a marketplace service
   */
  async createOffer(input: OfferInput, options: CallOptions = {}): Promise<CreatedOffer> {
    const body = toWire(input, SHAPES.offerInput);
    return fromWire(
      await this.#run('marketplace.createOffer', options, (dialect) => dialect.createOffer(body, options)),
    );
  }

  /** Active offers that match the query. */
  async listOffers(query: OfferQuery = {}, options: CallOptions = {}): Promise<readonly Offer[]> {
    const page = await this.listOffersPage(query, options);
    return fromWire<{ offers: Offer[] }>(page, SHAPES.offerPage).offers;
  }

  /** The offer list as a documented wire object. */
  async listOffersPage(query: OfferQuery = {}, options: CallOptions = {}): Promise<Wire> {
    const wire = toWire(query);
    return this.#run('marketplace.listOffers', options, (dialect) => dialect.listOffers(wire, options));
  }

  /**
   * Takes an offer for a job.
   *
   * @throws GoneError `OFFER_NOT_AVAILABLE`
   */
  async acceptOffer(input: AcceptOfferInput, options: CallOptions = {}): Promise<AcceptedOffer> {
    const body = { job_id: input.jobId, bid_price: input.bidPrice };
    return fromWire(
      await this.#run('marketplace.acceptOffer', options, (dialect) =>
        dialect.acceptOffer(input.offerId, body, options),
      ),
    );
  }

  /** Marketplace totals; on a live server only those it reports. */
  async getStats(options: CallOptions = {}): Promise<MarketplaceStats> {
    return fromWire(
      await this.#run('marketplace.getStats', options, (dialect) => dialect.getMarketplaceStats(options)),
    );
  }
}
