import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { QuarryError } from '../../errors/index.js';
import { listen } from '../../net/listen.js';

/** A request whose body has been read. */
export interface LoopbackRequest {
  readonly method: string;
  /** Path without query; repeated slashes are merged, as web servers do. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** An HTTP server on 127.0.0.1. */
export class LoopbackServer {
  readonly http: Server;

  /** @param onRequest called once a request's body was read; its errors become HTTP 500 */
  constructor(
    onRequest: (request: LoopbackRequest, response: ServerResponse, incoming: IncomingMessage) => Promise<void>,
    { maxBodyBytes = Number.POSITIVE_INFINITY }: { readonly maxBodyBytes?: number } = {},
  ) {
    const listener: RequestListener = (incoming, response) => {
      readRequest(incoming, maxBodyBytes)
        .then((request) => onRequest(request, response, incoming))
        .catch((error: unknown) => {
          const tooLarge = error instanceof QuarryError && error.code === 'DATA_TOO_LARGE';
          if (response.headersSent) response.destroy();
          else sendJson(response, tooLarge ? 413 : 500, { detail: tooLarge ? error.message : 'internal error' });
        });
    };
    this.http = createServer({ keepAliveTimeout: 1000, requestTimeout: 0 }, listener);
  }

  /** `http://127.0.0.1:<port>` once it listens. */
  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /**
   * Opens the port; 0 picks a free one.
   *
   * @throws QuarryError `CONFLICT` when the port is taken
   */
  async listen(port = 0): Promise<void> {
    await listen(this.http, { host: '127.0.0.1', port, what: 'port' });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    this.http.closeAllConnections();
    await closed;
  }
}

async function readRequest(incoming: IncomingMessage, maxBodyBytes: number): Promise<LoopbackRequest> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBodyBytes) throw new QuarryError('DATA_TOO_LARGE', `request body over ${maxBodyBytes} bytes`);
    parts.push(part);
  }
  const url = new URL(
    `http://loopback${(incoming.url ?? '/').replace(/^[^?]+/, (path) => path.replace(/\/{2,}/g, '/'))}`,
  );
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers as Record<string, string | undefined>,
    body: Buffer.concat(parts),
  };
}

/** Responds with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
  response.end(text);
}
