import type { Routes } from '../loopback/router.js';
import { detail, type LiveGate, naive } from './live-gate.js';
import { liveJobRoutes } from './live-jobs.js';
import { minerRoutes } from './miner-routes.js';

/** All operations of a deployed coordinator. */
export function liveRoutes(gate: LiveGate): Routes {
  const { book, options, isJwt, shown } = gate;
  return {
    ...liveJobRoutes(gate),
    ...marketRoutes(gate),
    ...(isJwt ? jwtRoutes(gate) : keyRoutes(gate)),
    ...minerRoutes({
      book,
      principal: (request) => {
        const key = request.headers['x-api-key'] ?? '';
        if (!options.minerKeys.includes(key)) return detail(401, isJwt ? 'Invalid API key' : 'invalid api key');
        // The older generation has no public miner ids: it stores and shows the key itself.
        return isJwt ? (request.headers['x-miner-id'] ?? key) : key;
      },
      refuse: detail,
      showReceipt: shown,
    }),
  };
}

function marketRoutes({ book, isJwt }: LiveGate): Routes {
  return {
    'GET /v1/marketplace/offers': () => ({
      status: 200,
      json: [...book.offers.values()].map((offer) => ({
        id: offer.id,
        provider: offer.minerId,
        capacity: Number(offer.body['capacity'] ?? 1),
        price: isJwt ? Number(offer.body['price']).toFixed(8) : Number(offer.body['price']),
        sla: '99.9%',
        status: offer.status,
        created_at: naive(offer.createdAt),
        ...(isJwt && {
          gpu_model: null,
          gpu_memory_gb: null,
          region: null,
          attributes: offer.body['attributes'] ?? null,
        }),
      })),
    }),
    'GET /v1/marketplace/stats': () => ({
      status: 200,
      json: {
        totalOffers: book.offers.size,
        openCapacity: book.offers.size,
        averagePrice: isJwt ? '0.50000000' : 0.5,
        activeBids: 0,
      },
    }),
  };
}

/** Health and reputation routes of the JWT generation. */
function jwtRoutes({ book }: LiveGate): Routes {
  return {
    'GET /health': () => ({ status: 200, json: { status: 'ok', env: 'loopback', python_version: '3.13.5' } }),
    'GET /v1/reputation/profile/:agentId': (request) => {
      const miner = book.miners.get(request.params['agentId'] ?? '');
      if (miner === undefined) return detail(404, 'Reputation profile not found');
      return {
        status: 200,
        json: {
          agent_id: miner.id,
          trust_score: 500,
          jobs_completed: miner.completed,
          jobs_failed: miner.failed,
          success_rate: (100 * miner.completed) / Math.max(1, miner.completed + miner.failed),
        },
      };
    },
  };
}

/** Health and statistics routes of the older generation. */
function keyRoutes({ book, asAdmin }: LiveGate): Routes {
  return {
    'GET /v1/health': () => ({ status: 200, json: { status: 'ok', env: 'loopback' } }),
    'GET /v1/admin/stats': asAdmin(() => ({
      status: 200,
      json: {
        total_jobs: book.jobs.size,
        active_jobs: 0,
        online_miners: book.miners.size,
        avg_miner_job_duration_ms: 0,
      },
    })),
    'GET /v1/admin/miners': asAdmin(() => ({
      status: 200,
      json: {
        items: [...book.miners.values()].map((miner) => ({
          miner_id: miner.id,
          status: miner.status,
          inflight: miner.inflight,
          average_job_duration_ms: miner.totalMs / Math.max(1, miner.completed + miner.failed),
          jobs_completed: miner.completed,
          jobs_failed: miner.failed,
        })),
      },
    })),
  };
}
