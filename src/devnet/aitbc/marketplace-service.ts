import { randomBytes } from 'node:crypto';
import type { Routes } from '../loopback/router.js';
import type { CoordinatorBook, OfferRecord } from './coordinator-book.js';
import type { JsonObject } from './json.js';

/** The marketplace service beside a deployed coordinator: creates and books offers. */
export function marketplaceRoutes(book: CoordinatorBook, prefix: string): Routes {
  const record = (offer: OfferRecord): JsonObject => ({
    ...offer.body,
    id: offer.id,
    provider: offer.minerId,
    status: offer.status,
    created_at: new Date(offer.createdAt).toISOString().replace('Z', '456'),
  });
  return {
    [`POST ${prefix}/v1/marketplace/offers`]: ({ text }) => {
      const body = JSON.parse(text) as JsonObject;
      return { status: 200, json: record(book.createOffer(String(body['provider'] ?? 'unknown'), body, 'available')) };
    },
    [`GET ${prefix}/v1/marketplace/offers`]: () => ({ status: 200, json: [...book.offers.values()].map(record) }),
    [`POST ${prefix}/v1/marketplace/offers/:offerId/book`]: ({ params }) => {
      const offer = book.offers.get(params['offerId'] ?? '');
      if (offer === undefined) return { status: 404, json: { error: 'Offer not found' } };
      if (offer.status !== 'available') {
        return { status: 400, json: { error: `Offer is not available (status=${offer.status})` } };
      }
      offer.status = 'booked';
      return {
        status: 200,
        json: {
          bid_id: randomBytes(16).toString('hex'),
          offer_id: offer.id,
          provider: offer.minerId,
          status: 'pending',
          message: 'Offer booked',
          escrow_contract_id: null,
        },
      };
    },
  };
}
