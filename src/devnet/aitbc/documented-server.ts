import { WebSocketServer } from 'ws';
import { QuarryError } from '../../errors/index.js';
import { startRouter } from '../loopback/router.js';
import type { LoopbackServer } from '../loopback/server.js';
import { CoordinatorBook, type JobRecord, type OfferRecord } from './coordinator-book.js';
import { type DocumentedServerOptions, refuse } from './documented-gate.js';
import { documentedReceipt } from './documented-receipts.js';
import { documentedRoutes } from './documented-routes.js';
import { FaultQueue } from './fault-queue.js';
import { iso, statusOf } from './job-words.js';
import { isJsonObject, type JsonObject } from './json.js';
import { signMembers } from './receipt-signing.js';

/**
 * A coordinator on 127.0.0.1 that implements the documented API exactly, plus the miner protocol of the deployed
 * servers, which is undocumented. For the demo and tests; all state is in memory.
 */
export class DocumentedServer {
  readonly faults = new FaultQueue();
  readonly book: CoordinatorBook;
  readonly url: string;
  readonly #server: LoopbackServer;
  readonly #sockets: WebSocketServer;

  private constructor(book: CoordinatorBook, server: LoopbackServer, sockets: WebSocketServer, faults: FaultQueue) {
    this.book = book;
    this.url = server.url;
    this.#server = server;
    this.#sockets = sockets;
    this.faults = faults;
  }

  /** Listens on loopback; rejects with Node's error if the port is taken. */
  static async start(options: DocumentedServerOptions): Promise<DocumentedServer> {
    const faults = new FaultQueue();
    const book = new CoordinatorBook({
      idPrefix: (kind) => `${kind}_`,
      releaseOnFail: true,
      now: options.now ?? Date.now,
      writeReceipt: (job) => documentedReceipt(job, options),
    });
    const server = await startRouter({
      routes: documentedRoutes(book, options),
      guard: (request) => faults.take(request),
      noRoute: (request, allow) =>
        allow.length > 0
          ? refuse(405, 'METHOD_NOT_ALLOWED', 'method not allowed')
          : refuse(404, 'NOT_FOUND', `no such endpoint: ${request.path}`),
      onError: (error) => {
        if (error instanceof SyntaxError) return refuse(400, 'VALIDATION_ERROR', 'the body is not JSON');
        if (error instanceof QuarryError && error.code === 'INVALID_ARGUMENT')
          return refuse(422, 'VALIDATION_ERROR', error.message);
        if (error instanceof QuarryError && error.code === 'NOT_FOUND')
          return refuse(404, 'SERVICE_NOT_FOUND', error.message);
        return refuse(500, 'INTERNAL_ERROR', 'internal error');
      },
      port: options.port,
    });
    const sockets = new WebSocketServer({ server: server.http, path: '/ws' });
    pushEvents(sockets, book, options.clientKeys);
    return new DocumentedServer(book, server, sockets, faults);
  }

  /** Drops all websockets, like a restart. */
  dropSockets(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** Closes all connections, websockets and the server. */
  async close(): Promise<void> {
    this.dropSockets();
    this.#sockets.close();
    await this.#server.close();
  }
}

function pushEvents(sockets: WebSocketServer, book: CoordinatorBook, clientKeys: readonly string[]): void {
  sockets.on('connection', (socket) => {
    let authorised = false;
    const send = (type: string, data: unknown): void => {
      if (authorised) socket.send(JSON.stringify({ type, data }));
    };
    const onJob = (job: JobRecord): void =>
      send('job_update', { job_id: job.id, status: statusOf(job), timestamp: iso(book.now) });
    const onOffer = (offer: OfferRecord): void =>
      send('marketplace_update', { offer_id: offer.id, status: offer.status, timestamp: iso(book.now) });
    const onReceipt = (job: JobRecord, receipt: string): void => {
      const id: unknown = (JSON.parse(receipt) as JsonObject)['receipt_id'];
      send('receipt_created', { job_id: job.id, receipt_id: id, timestamp: iso(book.now) });
    };
    book.events.on('job', onJob).on('offer', onOffer).on('receipt', onReceipt);
    socket.on('close', () => book.events.off('job', onJob).off('offer', onOffer).off('receipt', onReceipt));
    socket.on('message', (data) => {
      try {
        const frame: unknown = JSON.parse(String(data));
        if (isJsonObject(frame) && frame['type'] === 'auth') authorised = clientKeys.includes(String(frame['api_key']));
      } catch {
        socket.close(1003, 'frames are JSON');
      }
    });
  });
}

/** Key id of a receipt-signing seed, for pinning. */
export function keyIdOf(seed: Uint8Array): string {
  return signMembers({}, seed).publicKey.toString('base64url');
}
