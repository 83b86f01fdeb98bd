import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived, for tests that look at headers. */
export interface SeenRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Requests it applies to, as `GET /path`. */
  readonly match: RegExp;
  /** Requests after which it is over. Default 1. */
  times?: number | undefined;
  /** Matching requests let through before it begins. */
  after?: number | undefined;
  /** Answer this instead of acting. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** `reset`: cut the connection without acting; `lose-reply`: act, then cut; `hang`: never answer. */
  readonly mode?: 'reset' | 'lose-reply' | 'hang' | undefined;
}

/** Base of the demonstration servers: loopback only, a log of requests, switchable faults. */
export abstract class LoopbackServer {
  readonly requests: SeenRequest[] = [];
  readonly faults: Fault[] = [];
  /** Present time of this server in milliseconds. */
  now: () => number = Date.now;
  readonly #server: Server;
  #url = '';

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 1000 }, (request, response) => {
      this.#take(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(error instanceof Error ? error.message : String(error));
      });
    });
    this.#server.requestTimeout = 0;
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.#url;
  }

  /** Opens the port; 0 lets the system choose. */
  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Makes something go wrong. */
  fail(fault: Fault): void {
    this.faults.push(fault);
  }

  /** Requests whose `METHOD /path` matches. */
  seen(match: RegExp): SeenRequest[] {
    return this.requests.filter((request) => match.test(`${request.method} ${request.path}`));
  }

  /** Acts on one request. */
  protected abstract handle(request: SeenRequest, response: ServerResponse): Promise<void> | void;

  async #take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(incoming.url ?? '/', this.#url);
    const request: SeenRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    response.sendDate = false;
    response.setHeader('date', new Date(this.now()).toUTCString());
    const fault = this.#fault(`${request.method} ${request.path}`);
    if (fault === undefined) return this.handle(request, response);
    if (fault.mode === 'hang') return;
    if (fault.mode === 'reset') {
      incoming.socket.destroy();
      return;
    }
    if (fault.mode === 'lose-reply') {
      // The work is done, but nothing of the answer leaves this machine.
      response.write = () => true;
      response.end = (() => {
        incoming.socket.destroy();
        return response;
      }) as typeof response.end;
      response.writeHead = () => response;
      await this.handle(request, response);
      return;
    }
    response.writeHead(fault.status ?? 500, { 'content-type': 'application/json', ...fault.headers });
    response.end(fault.body ?? '');
  }

  #fault(what: string): Fault | undefined {
    for (const fault of this.faults) {
      if (!fault.match.test(what) || (fault.times ?? 1) <= 0) continue;
      if ((fault.after ?? 0) > 0) {
        fault.after = (fault.after ?? 0) - 1;
        continue;
      }
      fault.times = (fault.times ?? 1) - 1;
      return fault;
    }
    return undefined;
  }
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
