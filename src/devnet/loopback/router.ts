import { LoopbackServer } from './server.js';

/** A request to a route handler. */
export interface ServerRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The body as text. */
  readonly text: string;
}

/** A route handler's response. */
export interface ServerAnswer {
  readonly status: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent verbatim, as `application/json` unless the headers say otherwise. */
  readonly text?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Handles a request. */
export type Handler = (request: ServerRequest) => ServerAnswer | Promise<ServerAnswer>;

/** Handlers by route, such as `GET /v1/jobs/:id`. */
export type Routes = Readonly<Record<string, Handler>>;

/** Options of a router. */
export interface RouterOptions {
  readonly routes: Routes;
  /** Called first with every request; a response from here ends the request. */
  readonly guard?: ((request: ServerRequest) => ServerAnswer | undefined) | undefined;
  /** Responds to requests without a matching route; `allow` lists the methods of the path. */
  readonly noRoute: (request: ServerRequest, allow: readonly string[]) => ServerAnswer;
  readonly onError: (error: unknown) => ServerAnswer;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
}

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly handler: Handler;
}

/** Maximum size of a request body, as in the deployed coordinators. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** Starts a server on 127.0.0.1 with these routes. */
export async function startRouter(options: RouterOptions): Promise<LoopbackServer> {
  const routes = Object.entries(options.routes).map(([key, handler]) => compile(key, handler));
  const server = new LoopbackServer(
    async ({ body, ...request }, response) => {
      const { status, headers, json, text } = await route(
        { ...request, params: {}, text: body.toString('utf8') },
        routes,
        options,
      );
      const content = text ?? (json === undefined ? '' : JSON.stringify(json));
      response.writeHead(status, { ...(content !== '' && { 'content-type': 'application/json' }), ...headers });
      response.end(content);
    },
    { maxBodyBytes: MAX_BODY_BYTES },
  );
  await server.listen(options.port);
  return server;
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

async function route(request: ServerRequest, routes: readonly Route[], options: RouterOptions): Promise<ServerAnswer> {
  try {
    const stopped = options.guard?.(request);
    if (stopped !== undefined) return stopped;
    const matching = routes.filter(({ pattern }) => pattern.test(request.path));
    const found = matching.find(({ method }) => method === request.method);
    if (found === undefined) return options.noRoute(request, [...new Set(matching.map(({ method }) => method))]);
    const values = found.pattern.exec(request.path)?.slice(1) ?? [];
    const params = Object.fromEntries(found.names.map((name, i) => [name, decodeURIComponent(values[i] ?? '')]));
    return await found.handler({ ...request, params });
  } catch (error) {
    return options.onError(error);
  }
}
