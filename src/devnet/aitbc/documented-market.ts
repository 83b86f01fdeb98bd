import { randomBytes } from 'node:crypto';
import type { Routes } from '../loopback/router.js';
import { compareAmounts } from './amount.js';
import type { CoordinatorBook } from './coordinator-book.js';
import { bodyOf, type DocumentedGate, publicIdOf, refuse } from './documented-gate.js';
import { iso } from './job-words.js';

/** Routes of offers. */
export function documentedMarketRoutes({ book, options, asClient }: DocumentedGate): Routes {
  return {
    'POST /v1/marketplace/offers': asClient((request, key) => {
      const offer = bodyOf(request);
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
        .filter((offer) => maxPrice === null || compareAmounts(String(offer.body['price']), maxPrice) <= 0)
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
      const { job_id: jobId, bid_price: bid } = bodyOf(request);
      const offer = book.offers.get(request.params['offerId'] ?? '');
      if (offer === undefined || offer.status !== 'active')
        return refuse(410, 'OFFER_NOT_AVAILABLE', 'offer is no longer available');
      if (book.findJob(String(jobId), key) === undefined) return refuse(404, 'JOB_NOT_FOUND', 'job does not exist');
      if (offer.acceptedFor.has(String(jobId))) {
        return refuse(410, 'OFFER_NOT_AVAILABLE', 'offer was accepted for this job already');
      }
      if (compareAmounts(String(bid), options.balance ?? '1000') > 0)
        return refuse(402, 'INSUFFICIENT_BALANCE', 'not enough funds in the wallet');
      offer.acceptedFor.add(String(jobId));
      if (offer.acceptedFor.size >= Number(offer.body['max_jobs'] ?? 1)) offer.status = 'closed';
      book.events.emit('offer', offer);
      const id = `tx_${randomBytes(8).toString('hex')}`;
      return { status: 201, json: { transaction_id: id, status: 'pending', created_at: iso(book.now) } };
    }),
  };
}

/** Routes of marketplace and miner statistics. */
export function documentedStatsRoutes({ book, asClient }: DocumentedGate): Routes {
  return {
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
  };
}

/** Five points minus the failure rate. */
function reputationOf(book: CoordinatorBook, minerId: string): number {
  const miner = book.miners.get(minerId);
  const total = (miner?.completed ?? 0) + (miner?.failed ?? 0);
  return total === 0 ? 5 : Math.round(((miner?.completed ?? 0) / total) * 50) / 10;
}
