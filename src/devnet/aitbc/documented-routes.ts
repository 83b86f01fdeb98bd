import type { Routes } from '../loopback/router.js';
import type { CoordinatorBook } from './coordinator-book.js';
import {
  bodyOf,
  type DocumentedGate,
  type DocumentedServerOptions,
  documentedGate,
  publicIdOf,
  refuse,
} from './documented-gate.js';
import { documentedJobRoutes } from './documented-jobs.js';
import { documentedMarketRoutes, documentedStatsRoutes } from './documented-market.js';
import { documentedReceiptRoutes } from './documented-receipts.js';
import { iso } from './job-words.js';
import { minerRoutes } from './miner-routes.js';
import { checkRequest, schemaOf, searchServices, serviceOf } from './service-registry.js';

/** All documented operations, plus the miner protocol. */
export function documentedRoutes(book: CoordinatorBook, options: DocumentedServerOptions): Routes {
  const gate = documentedGate(book, options);
  return {
    ...documentedJobRoutes(gate),
    ...documentedMarketRoutes(gate),
    ...documentedStatsRoutes(gate),
    ...documentedReceiptRoutes(gate),
    ...registryRoutes(gate),
    'GET /v1/health': () => ({
      status: 200,
      json: {
        status: 'ok',
        version: '1.0.0',
        environment: 'loopback',
        timestamp: iso(book.now),
        services: { database: 'healthy', blockchain: 'healthy', marketplace: 'healthy' },
      },
    }),
    ...minerRoutes({
      book,
      principal: (request) => {
        const key = request.headers['x-api-key'] ?? '';
        if (!options.minerKeys.includes(key))
          return refuse(401, 'INVALID_API_KEY', 'the miner key is missing or unknown');
        return request.headers['x-miner-id'] ?? publicIdOf(key);
      },
      refuse: (status, message) => refuse(status, status === 404 ? 'NOT_FOUND' : 'VALIDATION_ERROR', message),
      showReceipt: (receipt) => receipt,
    }),
  };
}

function registryRoutes({ asClient }: DocumentedGate): Routes {
  return {
    'GET /v1/registry/services': asClient(({ query }) => ({
      status: 200,
      json: searchServices(query.get('category'), query.get('search')),
    })),
    'GET /v1/registry/services/:id': asClient(({ params }) => ({ status: 200, json: serviceOf(params['id']) })),
    'GET /v1/registry/services/:id/schema': asClient(({ params }) => ({
      status: 200,
      json: schemaOf(serviceOf(params['id'])),
    })),
    'GET /v1/registry/services/:id/requirements': asClient(({ params }) => ({
      status: 200,
      json: { requirements: serviceOf(params['id']).requirements },
    })),
    'POST /v1/registry/services/validate': asClient((request) => {
      const { service_id: id, request_data: data } = bodyOf(request);
      return { status: 200, json: checkRequest(serviceOf(id), data) };
    }),
  };
}
