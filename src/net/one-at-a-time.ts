import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Wraps a server's handler so that a connection that sends a request before the last one was answered is closed. Node
 * starts such requests at once, any number of them, and never closes a response that waits behind another when the
 * connection ends: what it holds open would stay open. Clients must expect the close (RFC 9112, 9.3.2).
 */
export function oneAtATime(handle: RequestListener): RequestListener {
  const answering = new WeakSet<Socket>();
  return (request, response) => {
    const { socket } = request;
    if (answering.has(socket)) return void socket.destroy();
    answering.add(socket);
    response.once('close', () => answering.delete(socket));
    handle(request, response);
  };
}
