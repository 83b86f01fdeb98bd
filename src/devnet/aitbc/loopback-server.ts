import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { QuarryError } from '../../errors/index.js';

/** A request as a route handler sees it. */
export interface ServerRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body as text. */
  readonly text: string;
}

/** What a route handler answers. */
export interface ServerAnswer {
  readonly status: number;
  /** Sent as JSON. */
  readonly json?: unknown | undefined;
  /** Sent as it is, `application/json` unless the headers say otherwise. */
  readonly text?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Answers a request. */
export type Handler = (request: ServerRequest) => ServerAnswer | Promise<ServerAnswer>;

/** `GET /v1/jobs/:id`. */
export type Routes = Readonly<Record<string, Handler>>;

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly handler: Handler;
}

/** Settings of a {@link LoopbackServer}. */
export interface LoopbackServerOptions {
  readonly routes: Routes;
  /** Sees every request first; an answer from here ends it. */
  readonly guard?: Handler | ((request: ServerRequest) => ServerAnswer | undefined | Promise<ServerAnswer | undefined>);
  /** Answers what no route matches; `allow` lists the methods the path has. */
  readonly noRoute: (request: ServerRequest, allow: readonly string[]) => ServerAnswer;
  readonly onError: (error: unknown) => ServerAnswer;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
}

/** Largest request body taken, as the deployed coordinators have it. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** A small HTTP server on 127.0.0.1. */
export class LoopbackServer {
  readonly http: Server;
  readonly url: string;

  private constructor(http: Server) {
    this.http = http;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  }

  static async start(options: LoopbackServerOptions): Promise<LoopbackServer> {
    const routes = Object.entries(options.routes).map(([key, handler]) => compile(key, handler));
    const http = createServer((request, response) => {
      void answer(request, routes, options).then((result) => {
        const body = result.text ?? (result.json === undefined ? '' : JSON.stringify(result.json));
        response.writeHead(result.status, {
          ...(body !== '' && { 'content-type': 'application/json' }),
          ...result.headers,
        });
        response.end(body);
      });
    });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return new LoopbackServer(http);
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }
}

function compile(key: string, handler: Handler): Route {
  const [method = '', path = ''] = key.split(' ');
  const names: string[] = [];
  const source = path.replace(/:(\w+)/g, (_, name: string) => {
    names.push(name);
    return '([^/]+)';
  });
  return { method, pattern: new RegExp(`^${source}$`), names, handler };
}

async function answer(
  incoming: IncomingMessage,
  routes: readonly Route[],
  options: LoopbackServerOptions,
): Promise<ServerAnswer> {
  try {
    const url = new URL(incoming.url ?? '/', 'http://loopback');
    const request: ServerRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      params: {},
      query: url.searchParams,
      headers: incoming.headers as Record<string, string | undefined>,
      text: await readBody(incoming),
    };
    const stopped = await options.guard?.(request);
    if (stopped !== undefined) return stopped;
    const matching = routes.filter((route) => route.pattern.test(url.pathname));
    const route = matching.find(({ method }) => method === request.method);
    if (route === undefined) return options.noRoute(request, [...new Set(matching.map(({ method }) => method))]);
    const values = route.pattern.exec(url.pathname)?.slice(1) ?? [];
    const params = Object.fromEntries(route.names.map((name, i) => [name, decodeURIComponent(values[i] ?? '')]));
    return await route.handler({ ...request, params });
  } catch (error) {
    return options.onError(error);
  }
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new QuarryError('DATA_TOO_LARGE', 'request body over 10 MiB');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
