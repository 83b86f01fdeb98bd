import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection on which nothing moves for this long is closed, in milliseconds; longer than the keep-alive. */
const SILENT_MS = 80_000;
const MAX_HEADERS = 64;
const MAX_REQUESTS = 10_000;

/**
 * Keeps a server that strangers reach from taking the process's descriptors: at most `max` connections are held, and
 * a new one beyond them ends the one that has been idle longest, or itself when all are busy.
 */
export function limitConnections(server: Server, max: number): void {
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = MAX_REQUESTS;
  server.setTimeout(SILENT_MS, (socket) => socket.destroy());
  // In the order in which they fell idle.
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
