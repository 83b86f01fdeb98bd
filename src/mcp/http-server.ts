import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { bearerMatches, closeServer, isLocalHostHeader, listen, oneAtATime } from '../net/index.js';
import type { AgentHost } from './agent-host.js';
import type { MinerSession } from './miner-session.js';
import { createMcpServer } from './server.js';

/** Fits a text of 1 MB, escaped in JSON. */
const MAX_BODY_BYTES = 8 * 2 ** 20;
/** Maximum sessions; many agents never close theirs. */
const MAX_SESSIONS = 32;

/** A server reachable by agents on this machine. */
export interface McpHttpServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves MCP over streamable HTTP on loopback, to clients that send the token.
 *
 * @throws QuarryError `CONFLICT` when the port is taken
 */
export async function serveMcpHttp(
  { port, token }: { readonly port: number; readonly token: string },
  host: AgentHost,
  miner: MinerSession,
): Promise<McpHttpServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const handle = oneAtATime((request, response) => {
    answer(request, response, { token, sessions, host, miner }).catch((error: unknown) => {
      const { code, message } = toQuarryError(error, 'answering an agent');
      if (response.headersSent) response.destroy();
      else refuse(response, code === 'DATA_TOO_LARGE' ? 413 : 400, message);
    });
  });
  const server = createServer(handle);
  const bound = await listen(server, { host: '127.0.0.1', port, what: "the agents' port" });
  return {
    url: `http://127.0.0.1:${bound}/mcp`,
    async close() {
      for (const transport of sessions.values()) await transport.close();
      await closeServer(server);
    },
  };
}

interface Service {
  readonly token: string;
  /** By id, least recently used first. */
  readonly sessions: Map<string, StreamableHTTPServerTransport>;
  readonly host: AgentHost;
  readonly miner: MinerSession;
}

async function answer(request: IncomingMessage, response: ServerResponse, service: Service): Promise<void> {
  const { host, origin, authorization } = request.headers;
  // Browsers send an `origin` header; agents do not.
  if (!isLocalHostHeader(host) || origin !== undefined) return refuse(response, 403, 'host');
  if (!bearerMatches(authorization, service.token)) {
    response.setHeader('www-authenticate', 'Bearer');
    return refuse(response, 401, 'missing or wrong bearer token');
  }
  if ((request.url ?? '').split('?')[0] !== '/mcp') return refuse(response, 404, 'the address is /mcp');
  const body = request.method === 'POST' ? JSON.parse(await readBody(request)) : undefined;
  const id = request.headers['mcp-session-id'];
  if (id !== undefined) {
    const transport = service.sessions.get(String(id));
    if (transport === undefined) return refuse(response, 404, 'no such session');
    keep(service.sessions, String(id), transport);
    return transport.handleRequest(request, response, body);
  }
  const transport = await open(service);
  await transport.handleRequest(request, response, body);
}

async function open({ sessions, host, miner }: Service): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => keep(sessions, id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  // Under `exactOptionalPropertyTypes` the SDK class does not match its own `Transport` interface.
  await createMcpServer(host, miner).connect(transport as Parameters<ReturnType<typeof createMcpServer>['connect']>[0]);
  return transport;
}

/**
 * Marks a session as used; beyond the limit, closes the least recently used one, whose agent must start a new session.
 */
function keep(sessions: Service['sessions'], id: string, transport: StreamableHTTPServerTransport): void {
  sessions.delete(id);
  sessions.set(id, transport);
  if (sessions.size <= MAX_SESSIONS) return;
  const [[oldest, gone]] = [...sessions] as [[string, StreamableHTTPServerTransport]];
  sessions.delete(oldest);
  void gone.close().catch(() => {});
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MAX_BODY_BYTES)
      throw new QuarryError('DATA_TOO_LARGE', `a request may have at most ${MAX_BODY_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error })}\n`);
}
