import { createConnection, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  errors,
  type NatsConnection,
  NatsConnectionImpl,
  setTransportFactory,
} from '@nats-io/transport-node';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';
import { unlessAborted } from '../net/index.js';

/** A connection to a NATS server. */
export interface DialledNats {
  readonly nc: NatsConnection;
  /** Ends the connection, even while it is being dialled again. */
  close(): Promise<void>;
}

/** The newest socket of a connection, known from before it is connected. */
interface Line {
  socket?: Socket | undefined;
  isEnded: boolean;
}

/**
 * The package's transport on a socket that can be ended at any time. Its own has no handle before the server has greeted,
 * and closing the connection leaves it open: a server that accepts and stays silent would keep the process alive.
 */
class LineTransport extends NodeTransport {
  override dial({ hostname, port }: { readonly hostname: string; readonly port: number }): Promise<Socket> {
    const { line } = this.options as ConnectionOptions & { readonly line: Line };
    return new Promise((resolve, reject) => {
      if (line.isEnded) throw new errors.ClosedConnectionError();
      const socket = createConnection(port, hostname).setNoDelay(true);
      this.socket = socket;
      line.socket = socket;
      socket.once('connect', () => {
        socket.removeAllListeners();
        resolve(socket);
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new errors.ClosedConnectionError()));
    });
  }
}

/**
 * Connects to a NATS server like the package's `connect`, but the signal ends the first connection, and no socket outlives
 * the connection.
 *
 * @throws QuarryError `ABORTED` when the signal fires first; otherwise the package's errors
 */
export async function dialNats(options: ConnectionOptions, signal: AbortSignal | undefined): Promise<DialledNats> {
  const line: Line = { isEnded: false };
  const end = (): void => {
    line.isEnded = true;
    line.socket?.destroy();
  };
  setTransportFactory({ factory: () => new LineTransport(), dnsResolveFn: nodeResolveHost });
  const dialling = NatsConnectionImpl.connect({ ...options, line } as ConnectionOptions);
  try {
    const nc = await unlessAborted(dialling, 'connecting to NATS', signal);
    const close = async (): Promise<void> => {
      await nc.close();
      end();
    };
    return { nc, close };
  } catch (error) {
    end();
    // It may have connected in the same moment.
    void dialling.then(
      (nc) => nc.close(),
      () => {},
    );
    throw error;
  }
}
