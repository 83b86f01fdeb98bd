import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js';
import type { Endpoint, TlsOptions } from './endpoint.js';

/** Options of a connection. Plain data, as it is passed between threads. */
export interface ChannelOptions {
  readonly tls?: TlsOptions | undefined;
  /** Maximum size of received messages, bytes. Default 128 MiB. */
  readonly readMaxBytes?: number | undefined;
  /** Interval of HTTP/2 pings during calls, milliseconds. Default 10 s; 0 disables them. */
  readonly keepAliveMs?: number | undefined;
  /** Also ping between calls, so that a lost connection is detected before the next call. */
  readonly keepAliveIdle?: boolean | undefined;
}

/** Limit of a TLS handshake, as generous as a fleet's: a busy machine can take several seconds. */
const HANDSHAKE_MS = 15_000;

/** Creates a gRPC client over one HTTP/2 connection, which connects on the first call and reconnects automatically. */
export function openChannel({ host, port, secure, loopback }: Endpoint, options: ChannelOptions): Client {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Client(address, secure ? tlsCredentials(options.tls) : credentials.createInsecure(), {
    'grpc.max_receive_message_length': options.readMaxBytes ?? 128 * 2 ** 20,
    // We check the size before sending, which distinguishes it from the server's limits.
    'grpc.max_send_message_length': -1,
    // The node's own client pings every 5 s, so this is within its tolerance.
    ...(options.keepAliveMs !== 0 && {
      'grpc.keepalive_time_ms': options.keepAliveMs ?? 10_000,
      'grpc.keepalive_timeout_ms': 10_000,
      ...(options.keepAliveIdle && { 'grpc.keepalive_permit_without_calls': 1 }),
    }),
    // Reconnect to a restarted node within a second instead of the default two minutes.
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.use_local_subchannel_pool': 1,
    ...(loopback && { 'grpc.enable_http_proxy': 0 }),
    ...(options.tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': options.tls.serverName,
      'grpc.default_authority': options.tls.serverName,
    }),
    'grpc.primary_user_agent': 'quarry',
  });
}

function tlsCredentials(tls: TlsOptions = {}): ChannelCredentials {
  const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
  return withHandshakeLimit(credentials.createSsl(pem(tls.caPem), pem(tls.keyPem), pem(tls.certPem)));
}

/**
 * Bounds TLS handshakes, which gRPC waits for without end: a node that accepts and stays silent would keep its place, and the
 * process alive after the client was closed. A call in progress keeps the process alive by itself.
 */
function withHandshakeLimit(given: ChannelCredentials): ChannelCredentials {
  const create = given._createSecureConnector.bind(given);
  given._createSecureConnector = (...args) => {
    const connector = create(...args);
    const connect = connector.connect.bind(connector);
    connector.connect = async (socket) => {
      socket.unref();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no TLS handshake within ${HANDSHAKE_MS} ms`)), HANDSHAKE_MS).unref();
      });
      try {
        return await Promise.race([connect(socket), late]);
      } finally {
        clearTimeout(timer);
      }
    };
    return connector;
  };
  return given;
}
