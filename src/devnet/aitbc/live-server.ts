import { randomBytes } from 'node:crypto';
import { type ServerAnswer, type ServerRequest, startRouter } from '../loopback/router.js';
import type { LoopbackServer } from '../loopback/server.js';
import { CoordinatorBook } from './coordinator-book.js';
import { FaultQueue } from './fault-queue.js';
import { detail, internalError, type LiveServerOptions, liveGate } from './live-gate.js';
import { liveReceipt } from './live-receipt.js';
import { liveRoutes } from './live-routes.js';
import { marketplaceRoutes } from './marketplace-service.js';
import { walletRoutes } from './wallet-gate.js';

/** Paths in the JWT generation's route matrix; all others are denied before routing. */
const KNOWN_PATHS =
  /^\/(health$|v1\/(health$|jobs|payments|marketplace\/(offers|stats)$|miners\/|auth\/nonce$|login$|register$|users\/me$|reputation\/|services)|market\/)/;
const PUBLIC_PATHS = /^\/(health$|v1\/(health$|marketplace\/|auth\/|login$|register$|reputation\/)|market\/)/;

/**
 * A coordinator on 127.0.0.1 that behaves like the deployed ones, including their faults: undocumented paths and
 * bodies, services that store a job and then fail, results that stay "not ready" forever after a failure, receipts with
 * fields added after signing. The separate marketplace service is served under `/market`.
 */
export class LiveServer {
  readonly faults: FaultQueue;
  readonly book: CoordinatorBook;
  readonly url: string;
  /** Base URL for creating and booking offers. */
  readonly marketplaceUrl: string;
  readonly #server: LoopbackServer;

  private constructor(book: CoordinatorBook, server: LoopbackServer, faults: FaultQueue) {
    this.book = book;
    this.url = server.url;
    this.marketplaceUrl = `${server.url}/market`;
    this.#server = server;
    this.faults = faults;
  }

  /** Listens on loopback; rejects with Node's error if the port is taken. */
  static async start(options: LiveServerOptions): Promise<LiveServer> {
    const now = options.now ?? Date.now;
    const faults = new FaultQueue();
    const seeds = { signerSeed: options.signerSeed, attesterSeed: options.attesterSeed };
    const book = new CoordinatorBook({
      idPrefix: () => '',
      releaseOnFail: options.generation === 'key',
      now,
      writeReceipt: (job, result, metrics) => liveReceipt(job, result, metrics, seeds),
    });
    const jwtSecret = options.jwtSecret ?? randomBytes(32).toString('hex');
    const server = await startRouter({
      routes: {
        ...liveRoutes(liveGate(book, options, jwtSecret)),
        ...marketplaceRoutes(book, '/market'),
        ...(options.generation === 'jwt' &&
          walletRoutes({ jwtSecret, now, tokenSeconds: options.tokenSeconds ?? 86_400 })),
      },
      guard: (request) => faults.take(request) ?? (options.generation === 'jwt' ? matrix(request, options) : undefined),
      noRoute: (_request, allow) =>
        allow.length > 0
          ? { status: 405, json: { detail: 'Method Not Allowed' }, headers: { allow: allow.join(', ') } }
          : detail(404, 'Not Found'),
      onError: () => internalError(options.generation),
      port: options.port,
    });
    return new LiveServer(book, server, faults);
  }

  /** Closes all connections and the server. */
  async close(): Promise<void> {
    await this.#server.close();
  }
}

/** Rejects paths that are not in the matrix: 401 without credentials, 403 with any. */
function matrix(request: ServerRequest, options: LiveServerOptions): ServerAnswer | undefined {
  const { authorization, 'x-api-key': key } = request.headers;
  const hasCredentials = authorization !== undefined || options.minerKeys.includes(key ?? '');
  if (PUBLIC_PATHS.test(request.path)) return undefined;
  if (!hasCredentials) return detail(401, 'Authentication required');
  return KNOWN_PATHS.test(request.path) ? undefined : detail(403, 'Forbidden');
}
