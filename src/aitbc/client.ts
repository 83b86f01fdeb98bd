import { sleep as realSleep } from '../net/index.js';
import { type AITBCClientDeps, type AITBCClientOptions, DEFAULT_BASE_URL } from './client-options.js';
import { AuthorisedTransport } from './credentials.js';
import type { CallOptions, DialectName } from './dialects/dialect.js';
import { DialectRouter } from './dialects/dialect-router.js';
import { NotFoundError } from './errors.js';
import type { Health, MinerStats } from './models.js';
import { JobsNamespace, type Run } from './namespaces/jobs.js';
import { MarketplaceNamespace } from './namespaces/marketplace.js';
import { ReceiptsNamespace } from './namespaces/receipts.js';
import { RegistryNamespace } from './namespaces/registry.js';
import { ServicesNamespace } from './namespaces/services.js';
import { aitbcBaseUrl, fetchSend, httpClientSend, Transport } from './transport.js';
import { CoordinatorSocket, type CoordinatorSocketOptions, defaultSocketUrl } from './websocket/coordinator-socket.js';
import { fromWire } from './wire.js';

/**
 * A client of an AITBC coordinator with the interface of the documented SDK:
 *
 * ```ts
 * const client = new AITBCClient({ apiKey: 'your_key' });
 * const job = await client.jobs.create({ name: 'my-job', type: 'ai-inference' });
 * const results = await client.jobs.getResults(job.jobId);
 * ```
 */
export class AITBCClient {
  readonly jobs: JobsNamespace;
  readonly marketplace: MarketplaceNamespace;
  readonly receipts: ReceiptsNamespace;
  readonly services: ServicesNamespace;
  readonly registry: RegistryNamespace;
  /** Other miners. */
  readonly miners: {
    /** Work and earnings of a miner. */
    getStats(minerId: string, options?: CallOptions): Promise<MinerStats>;
  };
  /** Live updates. */
  readonly websocket: {
    /** Creates a socket, which reconnects after it breaks. Call its `start`. */
    connect(options?: Partial<CoordinatorSocketOptions>): CoordinatorSocket;
  };
  /** Without a trailing slash or `/v1`. */
  readonly baseUrl: string;
  readonly #router: DialectRouter;
  readonly #credentials: AuthorisedTransport;
  readonly #run: Run;
  readonly #closeHttp: () => Promise<void>;

  /** @throws QuarryError `CONFIG_INVALID` when a URL is not http(s) */
  constructor(options: AITBCClientOptions = {}, deps: AITBCClientDeps = {}) {
    const now = deps.now ?? Date.now;
    this.baseUrl = aitbcBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL);
    const http = options.fetch === undefined ? httpClientSend() : undefined;
    this.#closeHttp = http?.close ?? (async () => {});
    const secrets = [options.apiKey, options.token, options.adminApiKey, options.adminToken].filter(
      (secret) => secret !== undefined,
    );
    const transport = new Transport(
      {
        baseUrl: this.baseUrl,
        timeoutMs: options.timeout ?? 30_000,
        retries: options.retries ?? 3,
        secrets: () => secrets,
      },
      { ...deps, send: http?.send ?? fetchSend(options.fetch!) },
    );
    this.#credentials = new AuthorisedTransport(transport, options);
    this.#router = new DialectRouter(
      this.#credentials,
      {
        dialect: options.dialect ?? 'auto',
        ...(options.marketplaceUrl !== undefined && {
          marketplaceUrl: aitbcBaseUrl(options.marketplaceUrl, 'AITBC marketplace URL'),
        }),
        marketplaceParty: options.marketplaceParty,
        healthPath: options.healthPath,
      },
      { now },
    );
    const run: Run = (operation, callOptions, call) => this.#router.run(operation, callOptions, call);
    this.#run = run;
    const openSocket = (socket: Partial<CoordinatorSocketOptions> = {}): CoordinatorSocket =>
      this.#openSocket(options, deps, socket);
    this.jobs = new JobsNamespace({ run, openSocket, now, sleep: deps.sleep ?? realSleep });
    this.marketplace = new MarketplaceNamespace(run);
    this.receipts = new ReceiptsNamespace({ run, now, pins: pinsOf(options) });
    this.services = new ServicesNamespace(run);
    this.registry = new RegistryNamespace(run);
    this.miners = {
      getStats: async (minerId, callOptions = {}) =>
        fromWire(await run('miners.getStats', callOptions, (dialect) => dialect.getMinerStats(minerId, callOptions))),
    };
    this.websocket = { connect: openSocket };
  }

  /** The dialect in use; detected on the first call. */
  async dialect(options: CallOptions = {}): Promise<DialectName> {
    return this.#router.name(options);
  }

  /**
   * Health of the coordinator and its services.
   *
   * @throws QuarryError `UNREACHABLE` when it does not answer
   */
  async health(options: CallOptions = {}): Promise<Health> {
    return fromWire(await this.#run('health', options, (dialect) => dialect.getHealth(options)));
  }

  /** Logs in with the wallet and returns the token. A client with a wallet also does this automatically when needed. */
  async login(options: CallOptions = {}): Promise<string | undefined> {
    return this.#credentials.login(options);
  }

  /** Closes connections. Sockets from `websocket.connect` are closed separately. */
  async close(): Promise<void> {
    await this.#closeHttp();
  }

  #openSocket(
    options: AITBCClientOptions,
    deps: AITBCClientDeps,
    socket: Partial<CoordinatorSocketOptions>,
  ): CoordinatorSocket {
    const wsUrl = socket.url ?? options.wsUrl;
    return new CoordinatorSocket(
      {
        ...options.socket,
        ...socket,
        apiKey: socket.apiKey ?? options.apiKey,
        url: wsUrl ?? defaultSocketUrl(this.baseUrl),
      },
      {
        // Live coordinators have no websocket route; an explicit address is tried in any dialect.
        shouldConnect: async () => wsUrl !== undefined || (await this.dialect()) === 'documented',
        pollJob: (jobId, signal) => this.jobs.get(jobId, { signal }),
        pollOffers: (signal) => this.marketplace.listOffers({ limit: 500 }, { signal }),
        pollReceipt: async (jobId, signal) => {
          try {
            return (await this.receipts.get(jobId, { signal })).receiptId;
          } catch (error) {
            if (error instanceof NotFoundError) return undefined;
            throw error;
          }
        },
        WebSocket: options.WebSocket,
        now: deps.now,
        sleep: deps.sleep,
      },
    );
  }
}

function pinsOf(options: AITBCClientOptions): {
  trustedSigners?: readonly string[] | undefined;
  trustedAttesters?: readonly string[] | undefined;
} {
  return {
    trustedSigners: options.trustedSigners,
    trustedAttesters: options.trustedAttesters,
  };
}
