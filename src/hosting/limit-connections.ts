import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Inactivity timeout of a connection, milliseconds; longer than the keep-alive timeout. */
const SILENT_MS = 80_000;
const MAX_HEADERS = 64;
const MAX_REQUESTS = 10_000;

/**
 * Keeps a public server from exhausting the process's file descriptors. Beyond `max` connections, a new one closes the
 * longest idle connection or, if all are busy, the one that has been busy longest: clients that do not read their
 * answers would otherwise keep everyone else out. A download that is cut off can be resumed.
 */
export function limitConnections(server: Server, max: number): void {
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = MAX_REQUESTS;
  server.setTimeout(SILENT_MS, (socket) => socket.destroy());
  // Each in the order in which they became so.
  const idle = new Set<Socket>();
  const busy = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      busy.delete(socket);
    });
    if (idle.size + busy.size <= max) return;
    const [longest = socket] = idle.size > 1 ? idle : busy;
    idle.delete(longest);
    busy.delete(longest);
    longest.destroy();
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket);
    busy.add(socket);
    response.once('close', () => {
      busy.delete(socket);
      if (!socket.destroyed) idle.add(socket);
    });
  });
}
