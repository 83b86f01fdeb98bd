import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { type Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { hostAndPort, listen } from '../../net/index.js';

/** First bytes of HTTP/2 connections with prior knowledge (RFC 9113, section 3.4). */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0');

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

/** A listening server. */
export interface Listening {
  /** `http://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves gRPC and HTTP/1.1 on one port, like a fullnode: the first bytes of a connection distinguish them.
 *
 * @throws QuarryError `CONFLICT` when the port is taken
 */
export async function listenShared(
  options: ListenOptions,
  handlers: { readonly grpc: GrpcServer | undefined; readonly http: RequestListener },
): Promise<Listening> {
  const http = createHttpServer(handlers.http);
  const injector = handlers.grpc?.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const head = socket.read() as Buffer | null;
      if (head === null) return;
      socket.unshift(head);
      const known = Math.min(head.length, HTTP2_PREFACE.length);
      const isHttp2 = head.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known));
      if (isHttp2 && injector !== undefined) injector.injectConnection(socket);
      else http.emit('connection', socket);
    });
  });
  const port = await listen(tcp, { ...options, what: 'port' });
  return {
    url: `http://${hostAndPort(options.host, port)}`,
    close: () =>
      new Promise((resolve) => {
        handlers.grpc?.forceShutdown();
        http.close();
        tcp.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
