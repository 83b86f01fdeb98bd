import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, QuarryError, toQuarryError } from '../errors/index.js';
import { isLoopbackHost } from '../http/index.js';
import { toJsonLine } from '../text/index.js';
import { type EventFeed, streamEvents } from './event-stream.js';

export interface HttpApiOptions {
  /** 0 picks a free port. */
  readonly port: number;
  /** Interface that is listened on. Default `127.0.0.1`; any other than loopback needs a token. */
  readonly host?: string | undefined;
  /**
   * When set, every request needs `Authorization: Bearer <token>`, but for `/health` and `/ready`, which hold nothing of
   * the miner's. Needed for the control routes.
   */
  readonly token?: string | undefined;
}

export interface HttpApiDeps {
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** The summary object. */
  readonly summary: () => unknown;
  /** Whether work is being done; why not, otherwise. */
  readonly ready: () => { readonly ready: boolean; readonly reason?: string | undefined };
  /** Only where something can be controlled. */
  readonly control?: { pause(): void; resume(): void; stop(): void };
  /** What `/1/events` sends. */
  readonly events?: EventFeed | undefined;
}

export interface HttpApi {
  readonly url: string;
  close(): Promise<void>;
}

type Verb = 'pause' | 'resume' | 'stop';
type Reply = (status: number, body: string, type?: string) => void;

/**
 * `GET /metrics` (Prometheus), `/health`, `/ready`, `/1/summary`, `/1/events` (server-sent events), `POST /1/pause`, `/1/resume`, `/1/stop`. The control routes exist only with a token.
 *
 * @throws QuarryError `CONFLICT` when the port is taken
 * @throws QuarryError `CONFIG_INVALID` when it would be open to other machines without a token
 */
export async function startHttpApi(options: HttpApiOptions, deps: HttpApiDeps): Promise<HttpApi> {
  const host = options.host ?? '127.0.0.1';
  if (!isLoopbackHost(host) && (options.token ?? '') === '') {
    throw new QuarryError('CONFIG_INVALID', `the HTTP API on ${host} would be open to everybody`, {
      hint: 'set QUARRY_API_TOKEN, or leave --api-host out',
    });
  }
  const server = createServer((request, response) => void answer(request, response, options, deps));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code: ErrorCode = error.code === 'EADDRINUSE' ? 'CONFLICT' : toQuarryError(error, 'x').code;
      reject(
        new QuarryError(code, `the HTTP API cannot listen on port ${options.port}`, { cause: error, retryable: false }),
      );
    });
    server.listen(options.port, host, resolve);
  });
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpApiOptions,
  deps: HttpApiDeps,
): Promise<void> {
  const reply: Reply = (status, body, type = 'application/json') => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  };
  // A browser page on another site must not reach this API through the user's machine.
  const local = isLoopbackHost(options.host ?? '127.0.0.1');
  if (local && !/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')) {
    return reply(403, '{"error":"host"}\n');
  }
  const path = (request.url ?? '').split('?')[0] ?? '';
  try {
    if (request.method === 'GET' && answerOpenly(path, reply, deps)) return;
    if (options.token !== undefined && !bearerMatches(request.headers.authorization, options.token)) {
      response.setHeader('www-authenticate', 'Bearer');
      return reply(401, '{"error":"missing or wrong bearer token"}\n');
    }
    if (request.method === 'GET' && (await answerRead(path, response, reply, deps))) return;
    const verb = /^\/1\/(pause|resume|stop)$/.exec(path)?.[1] as Verb | undefined;
    if (request.method === 'POST' && verb !== undefined && deps.control !== undefined) {
      if (options.token === undefined) return reply(403, '{"error":"control needs a configured token"}\n');
      deps.control[verb]();
      return reply(202, `{"ok":true,"command":"${verb}"}\n`);
    }
    return reply(404, '{"error":"no such route"}\n');
  } catch (error) {
    return reply(500, `${toJsonLine({ error: toQuarryError(error, 'answering').toJSON() })}\n`);
  }
}

/** What needs no token: probes of a container. */
function answerOpenly(path: string, reply: Reply, deps: HttpApiDeps): boolean {
  if (path === '/health') reply(200, '{"status":"ok"}\n');
  else if (path === '/ready') {
    const state = deps.ready();
    reply(state.ready ? 200 : 503, `${toJsonLine(state)}\n`);
  } else return false;
  return true;
}

async function answerRead(path: string, response: ServerResponse, reply: Reply, deps: HttpApiDeps): Promise<boolean> {
  if (path === '/metrics') reply(200, await deps.metrics(), 'text/plain; version=0.0.4; charset=utf-8');
  else if (path === '/1/summary') reply(200, `${toJsonLine(deps.summary())}\n`);
  else if (path === '/1/events' && deps.events !== undefined) streamEvents(response, deps.events);
  else return false;
  return true;
}

function bearerMatches(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
