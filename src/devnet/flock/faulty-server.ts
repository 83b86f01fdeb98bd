import type { IncomingMessage, ServerResponse } from 'node:http';
import { type LoopbackRequest, LoopbackServer } from '../loopback/server.js';

/** Something that goes wrong on purpose. */
export interface Fault {
  /** Requests it applies to, as `GET /path`. */
  readonly match: RegExp;
  /** Requests after which it is over. Default 1. */
  times?: number;
  /** Matching requests let through before it begins. */
  after?: number;
  /** Answer this instead of acting. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** `reset`: cut the connection without acting; `lose-reply`: act, then cut; `hang`: never answer. */
  readonly mode?: 'reset' | 'lose-reply' | 'hang' | undefined;
}

/** Base of the demonstration servers: a log of requests, switchable faults, a clock of its own. */
export abstract class FaultyServer {
  readonly requests: LoopbackRequest[] = [];
  readonly faults: Fault[] = [];
  /** Present time of this server in milliseconds. */
  now: () => number = Date.now;
  readonly #server = new LoopbackServer((request, response, incoming) => this.#take(request, response, incoming));
  #url = '';

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return this.#url;
  }

  /** Opens the port; 0 lets the system choose. */
  async listen(port = 0): Promise<this> {
    await this.#server.listen(port);
    this.#url = this.#server.url;
    return this;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Makes something go wrong. */
  fail(fault: Fault): void {
    this.faults.push(fault);
  }

  /** Requests whose `METHOD /path` matches. */
  seen(match: RegExp): LoopbackRequest[] {
    return this.requests.filter((request) => match.test(`${request.method} ${request.path}`));
  }

  /** Acts on one request. */
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
      // The work is done, but nothing of the answer leaves this machine.
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
