import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LoopbackRequest, LoopbackServer } from '../loopback/server.js';

/** An injected fault. */
export interface Fault {
  /** Requests it applies to, as `GET /path`. */
  readonly match: RegExp;
  /** Number of requests it applies to. Default 1. */
  times?: number;
  /** Number of matching requests to let through first. */
  after?: number;
  /** Respond with this status instead of processing the request. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** `reset`: close the connection without processing; `lose-reply`: process, then close; `hang`: never respond. */
  readonly mode?: 'reset' | 'lose-reply' | 'hang' | undefined;
}

/** Base class of the demo servers: a request log, injectable faults and a clock. */
export abstract class FaultyServer {
  readonly requests: LoopbackRequest[] = [];
  readonly faults: Fault[] = [];
  /** This server's clock, milliseconds. */
  now: () => number = Date.now;
  readonly #server = new LoopbackServer((request, response, incoming) => this.#take(request, response, incoming));
  #url = '';

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.#url;
  }

  /** Opens the port; 0 picks a free one. */
  async listen(port = 0): Promise<this> {
    await this.#server.listen(port);
    this.#url = this.#server.url;
    return this;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Injects a fault. */
  fail(fault: Fault): void {
    this.faults.push(fault);
  }

  /** Received requests whose `METHOD /path` matches. */
  seen(match: RegExp): LoopbackRequest[] {
    return this.requests.filter((request) => match.test(`${request.method} ${request.path}`));
  }

  /** Handles a request. */
  protected abstract handle(request: LoopbackRequest, response: ServerResponse): Promise<void> | void;

  async #take(request: LoopbackRequest, response: ServerResponse, { socket }: IncomingMessage): Promise<void> {
    this.requests.push(request);
    response.sendDate = false;
    response.setHeader('date', new Date(this.now()).toUTCString());
    const fault = this.#fault(`${request.method} ${request.path}`);
    if (fault === undefined) return this.handle(request, response);
    if (fault.mode === 'hang') return;
    if (fault.mode === 'reset') {
      socket.destroy();
      return;
    }
    if (fault.mode === 'lose-reply') {
      // Process the request, but discard the response.
      response.write = () => true;
      response.end = (() => {
        socket.destroy();
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
