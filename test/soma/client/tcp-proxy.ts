import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback whose line can be slow, silent or cut. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Milliseconds that bytes take each way. */
  delayMs = 0;
  /** True swallows all bytes, without closing anything. */
  silent = false;
  /** Called with what clients send, before it is passed on. */
  onClientBytes: ((bytes: Buffer) => void) | undefined;
  /** Called with what the other side answers; `false` keeps it back. */
  onServerBytes: ((bytes: Buffer) => boolean) | undefined;
  /** Connections accepted so far. */
  accepted = 0;
  url = '';
  #target: number;
  #refusing = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(targetUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(Number(new URL(targetUrl).port));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  /** Sends new connections elsewhere. */
  retarget(url: string): void {
    this.#target = Number(new URL(url).port);
  }

  /** Resets every connection, and those to come until {@link restore}. */
  cut(): void {
    this.#refusing = true;
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
  }

  restore(): void {
    this.#refusing = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }

  #join(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    this.accepted++;
    const server = connect(this.#target, '127.0.0.1');
    for (const [from, to, pass] of [
      [client, server, (bytes: Buffer) => this.onClientBytes?.(bytes) ?? true],
      [server, client, (bytes: Buffer) => this.onServerBytes?.(bytes) ?? true],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        if (this.silent || pass(bytes) === false) return;
        const write = (): void => void (to.destroyed || to.write(bytes));
        if (this.delayMs > 0) setTimeout(write, this.delayMs);
        else write();
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
