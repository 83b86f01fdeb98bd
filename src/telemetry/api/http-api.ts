import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import {
  bearerMatches,
  closeServer,
  hostAndPort,
  isLocalHostHeader,
  isLoopbackHost,
  listen,
  oneAtATime,
} from '../../net/index.js';
import { toJsonLine } from '../../text/index.js';
import { type ApiRequest, type ApiRoute, queryOf } from './api-route.js';
import { apiRoutes, type HttpApiDeps } from './api-routes.js';

export type { ApiReads, HttpApiDeps } from './api-routes.js';

export interface HttpApiOptions {
  /** 0 picks a free port. */
  readonly port: number;
  /** Interface to listen on. Default `127.0.0.1`; any other than loopback needs a token. */
  readonly host?: string | undefined;
  /**
   * Required as `Authorization: Bearer <token>` to send commands and, if other machines can reach the API, to read.
   * `/health`, `/ready` and the page's own files reveal nothing about the miner and never need it.
   */
  readonly token?: string | undefined;
}

export interface HttpApi {
  readonly url: string;
  close(): Promise<void>;
}

/** Server state: access rules and routes. */
interface Service {
  readonly routes: ReadonlyMap<string, ApiRoute>;
  readonly token: string | undefined;
  /** Whether only this machine can reach it. */
  readonly isLocal: boolean;
}

/**
 * Serves the routes in `/openapi.json`: probes, metrics, summary and events; also the dashboard with its history and
 * the commands, if their dependencies are given.
 *
 * @throws QuarryError `CONFLICT` when the port is taken
 * @throws QuarryError `CONFIG_INVALID` when it would be open to other machines without a token
 */
export async function startHttpApi(options: HttpApiOptions, deps: HttpApiDeps): Promise<HttpApi> {
  const host = options.host ?? '127.0.0.1';
  const token = options.token === '' ? undefined : options.token;
  const isLocal = isLoopbackHost(host);
  assertGuarded(host, token);
  const routes = new Map(apiRoutes(deps).map((route) => [`${route.method} ${route.path}`, route]));
  const server = createServer(
    oneAtATime((request, response) => void answer(request, response, { routes, token, isLocal })),
  );
  const port = await listen(server, { host, port: options.port, what: "the HTTP API's port" });
  return { url: `http://${hostAndPort(host, port)}`, close: () => closeServer(server) };
}

/**
 * Refuses to listen on a non-loopback interface without a token.
 *
 * @throws QuarryError `CONFIG_INVALID`
 */
export function assertGuarded(host: string, token: string | undefined): void {
  if (isLoopbackHost(host) || (token ?? '') !== '') return;
  throw new QuarryError('CONFIG_INVALID', `the HTTP API on ${host} would be open to every machine that reaches it`, {
    hint: 'set QUARRY_API_TOKEN, or omit --api-host',
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const reply: ApiRequest['reply'] = (status, body, type = 'application/json') => {
    const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
    response.writeHead(status, headers).end(body);
  };
  if (service.isLocal && !isLocalHostHeader(request.headers.host)) return reply(403, '{"error":"host"}\n');
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const route = service.routes.get(`${request.method} ${path}`);
  if (route === undefined) return reply(404, '{"error":"no such route"}\n');
  try {
    if (!mayAsk(route, request, service)) {
      if (service.token === undefined) return reply(403, '{"error":"control needs a configured token"}\n');
      response.setHeader('www-authenticate', 'Bearer');
      return reply(401, '{"error":"missing or wrong bearer token"}\n');
    }
    const query = queryOf(route, new URLSearchParams(search));
    if (typeof query === 'string') return reply(400, `${toJsonLine({ error: query })}\n`);
    await route.answer({ query, reply, response });
  } catch (error) {
    const failure = toQuarryError(error, 'answering');
    if (response.headersSent) response.destroy();
    else reply(500, `${toJsonLine({ error: failure.toJSON() })}\n`);
  }
}

function mayAsk(route: ApiRoute, request: IncomingMessage, { token, isLocal }: Service): boolean {
  if (route.access === 'open' || (route.access === 'read' && isLocal)) return true;
  return token !== undefined && bearerMatches(request.headers.authorization, token);
}
