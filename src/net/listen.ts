import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { type ErrorCode, QuarryError, toQuarryError } from '../errors/index.js';

/** Where a server listens. */
export interface ListenAt {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Named in errors: a flag, or the thing served. */
  readonly what: string;
}

const OTHER_PORT = 'choose another port, or 0 for a free one';
const OWN_ADDRESS = 'name an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them';

/** Code, and what to do about it, by the system's error. */
const REFUSALS: Readonly<Record<string, readonly [ErrorCode, hint: string]>> = {
  EADDRINUSE: ['CONFLICT', OTHER_PORT],
  EACCES: ['PERMISSION_DENIED', 'choose a port of 1024 or more'],
  EADDRNOTAVAIL: ['CONFIG_INVALID', OWN_ADDRESS],
  EAFNOSUPPORT: ['CONFIG_INVALID', OWN_ADDRESS],
  EINVAL: ['CONFIG_INVALID', OWN_ADDRESS],
  ENOTFOUND: ['CONFIG_INVALID', OWN_ADDRESS],
  EAI_AGAIN: ['CONFIG_INVALID', OWN_ADDRESS],
};

/**
 * Starts listening.
 *
 * @returns the port
 * @throws QuarryError `CONFLICT` when the port is taken, `PERMISSION_DENIED` when it takes a privilege
 * @throws QuarryError `CONFIG_INVALID` when the host is not an address of this machine; other system errors are converted
 */
export async function listen(server: Server, { host, port, what }: ListenAt): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const [code, hint] = REFUSALS[cause.code ?? ''] ?? [toQuarryError(cause, 'listening').code, OTHER_PORT];
      const why = code === 'CONFLICT' ? 'is taken by another program' : `cannot be listened on: ${cause.message}`;
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
