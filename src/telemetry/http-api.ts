import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, QuarryError, toQuarryError } from '../errors/index.js';
import { toJsonLine } from '../text/index.js';

export interface HttpApiOptions {
  /** 0 picks a free port. Only loopback is listened on. */
  readonly port: number;
  /** When set, every request needs `Authorization: Bearer <token>`. Needed for the control routes. */
  readonly token?: string | undefined;
}

export interface HttpApiDeps {
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** The summary object. */
  readonly summary: () => unknown;
  readonly control: { pause(): void; resume(): void; stop(): void };
}

export interface HttpApi {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * `GET /metrics` (Prometheus), `GET /1/summary` (JSON), `POST /1/pause`, `/1/resume`, `/1/stop`. Loopback only; the
 * control routes exist only with a token.
 *
 * @throws QuarryError `CONFLICT` when the port is taken
 */
export async function startHttpApi(options: HttpApiOptions, deps: HttpApiDeps): Promise<HttpApi> {
  const server = createServer((request, response) => void answer(request, response, options, deps));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code: ErrorCode = error.code === 'EADDRINUSE' ? 'CONFLICT' : toQuarryError(error, 'x').code;
      reject(
        new QuarryError(code, `the HTTP API cannot listen on port ${options.port}`, { cause: error, retryable: false }),
      );
    });
    server.listen(options.port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
  const reply = (status: number, body: string, type = 'application/json'): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
  };
  if (options.token !== undefined && !bearerMatches(request.headers.authorization, options.token)) {
    response.setHeader('www-authenticate', 'Bearer');
    return reply(401, '{"error":"missing or wrong bearer token"}\n');
  }
  // A browser page on another site must not reach this API through the user's machine.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')) return reply(403, '{"error":"host"}\n');
  const path = (request.url ?? '').split('?')[0] ?? '';
  try {
    if (request.method === 'GET' && path === '/metrics') {
      return reply(200, await deps.metrics(), 'text/plain; version=0.0.4; charset=utf-8');
    }
    if (request.method === 'GET' && path === '/1/summary') return reply(200, `${toJsonLine(deps.summary())}\n`);
    const verb = /^\/1\/(pause|resume|stop)$/.exec(path)?.[1] as 'pause' | 'resume' | 'stop' | undefined;
    if (request.method === 'POST' && verb !== undefined) {
      if (options.token === undefined) return reply(403, '{"error":"control needs a configured token"}\n');
      deps.control[verb]();
      return reply(202, `{"ok":true,"command":"${verb}"}\n`);
    }
    return reply(404, '{"error":"no such route"}\n');
  } catch (error) {
    return reply(500, `${toJsonLine({ error: toQuarryError(error, 'answering').toJSON() })}\n`);
  }
}

function bearerMatches(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
