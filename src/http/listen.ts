import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { QuarryError, toQuarryError } from '../errors/index.js';

/** Where a server listens. */
export interface ListenAt {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Named in errors: a flag, or the thing served. */
  readonly what: string;
}

/**
 * Starts listening.
 *
 * @returns the port
 * @throws QuarryError `CONFLICT` when the port is taken; other system errors are converted
 */
export async function listen(server: Server, { host, port, what }: ListenAt): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE';
      const code = isTaken ? 'CONFLICT' : toQuarryError(cause, 'listening').code;
      const why = isTaken ? 'is taken by another program' : `cannot be listened on: ${cause.message}`;
      const hint = 'choose another port, or 0 for a free one';
      reject(new QuarryError(code, `${what} ${port} on ${host} ${why}`, { hint, cause, retryable: false }));
    });
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Formats `host:port`, with brackets around an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Closes a server and its connections. */
export async function closeServer(server: HttpServer): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
