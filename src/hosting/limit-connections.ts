import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Inactivity timeout of a connection, milliseconds; longer than the keep-alive timeout. */
const SILENT_MS = 80_000;
const MAX_HEADERS = 64;
const MAX_REQUESTS = 10_000;

/**
 * Keeps a public server from exhausting the process's file descriptors. Beyond `max` connections, a new one closes the
 * longest idle connection, or is refused if all are busy.
 */
export function limitConnections(server: Server, max: number): void {
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = MAX_REQUESTS;
  server.setTimeout(SILENT_MS, (socket) => socket.destroy());
  // In the order in which they became idle.
  const idle = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count++;
    if (count > max) {
      const [longest] = idle;
      (longest ?? socket).destroy();
      if (longest === undefined) {
        count--;
        return;
      }
    }
    idle.add(socket);
    socket.once('close', () => {
      count--;
      idle.delete(socket);
    });
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
}
