import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** Chunks of a slow answer, and of an endless one. */
const DRIP_MS = 2_000;
const HINT_MS = 20;
const ENDLESS_PIECE = Buffer.alloc(64 * 1024, 7);
/** Zeros, compressed by gzip. */
const BOMB = gzipSync(Buffer.alloc(256 * 2 ** 20));
/** Hostile answers to one file before an honest one, at most. */
const MOST_IN_A_ROW = 3;

/** Follows the name of a file that was redirected to itself. */
const AGAIN = '?again';

/** Breaks an answer, given the bytes of the file, the request and the response. */
type Answer = (host: HostileHost, bytes: Buffer, request: IncomingMessage, response: ServerResponse) => void;

/** How a stranger's host fails those who fetch from it. */
const ANSWERS = {
  'a 404 that drips': (host, _bytes, request) => {
    request.socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 1000000\r\n\r\n');
    host.again(request.socket, DRIP_MS, () => request.socket.write('x'));
  },
  'endless 103s': (host, _bytes, request) => {
    host.again(request.socket, HINT_MS, () =>
      request.socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n'),
    );
  },
  'headers that drip': (host, _bytes, request) => {
    request.socket.write('HTTP/1.1 200 OK\r\n');
    host.again(request.socket, DRIP_MS, () => request.socket.write('x-more: 1\r\n'));
  },
  'a body that drips': (host, bytes, request) => {
    request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    let sent = 0;
    host.again(request.socket, DRIP_MS, () => request.socket.write(bytes.subarray(sent, ++sent)));
  },
  'silence half-way': (_host, bytes, _request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, bytes.length >> 1));
  },
  'silence at once': () => {},
  'a redirect to a closed port of this machine': (_host, _bytes, _request, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/weights' }).end();
  },
  'a redirect to a private network': (_host, _bytes, _request, response) => {
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
  },
  'a redirect to itself': (_host, _bytes, request, response) => {
    response.writeHead(302, { location: `${request.url}${AGAIN}` }).end();
  },
  'a redirect to another scheme': (_host, _bytes, _request, response) => {
    response.writeHead(302, { location: 'file:///etc/passwd' }).end();
  },
  'other bytes': (_host, bytes, _request, response) => {
    response.writeHead(200, { 'content-length': bytes.length }).end(Buffer.alloc(bytes.length, 5));
  },
  'one wrong bit': (_host, bytes, _request, response) => {
    const damaged = Buffer.from(bytes);
    damaged[bytes.length >> 1]! ^= 1;
    response.writeHead(200, { 'content-length': bytes.length }).end(damaged);
  },
  'a cut connection': (_host, bytes, request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.end());
  },
  'a reset': (_host, bytes, request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.resetAndDestroy());
  },
  'an endless body': (host, _bytes, request) => {
    request.socket.write('HTTP/1.1 200 OK\r\n\r\n');
    host.pour(request.socket);
  },
  'a length too small': (_host, bytes, _request, response) => {
    response.writeHead(200, { 'content-length': bytes.length - 100 }).end(bytes.subarray(0, bytes.length - 100));
  },
  'a length too great': (_host, bytes, _request, response) => {
    response.writeHead(200, { 'content-length': bytes.length + 100 }).end(Buffer.concat([bytes, Buffer.alloc(100)]));
  },
  'another range': (_host, bytes, _request, response) => {
    const range = { 'content-range': `bytes 100-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(206, { 'content-length': bytes.length - 100, ...range }).end(bytes.subarray(100));
  },
  'a gzip bomb': (_host, _bytes, _request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': BOMB.length }).end(BOMB);
  },
  'a page to log in': (_host, _bytes, _request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html><form action=/login></form></html>');
  },
  'nothing, with 200': (_host, _bytes, _request, response) => {
    response.writeHead(200, { 'content-length': 0 }).end();
  },
  'a 429 until tomorrow': (_host, _bytes, _request, response) => {
    response.writeHead(429, { 'retry-after': '86400' }).end();
  },
  'a 500': (_host, _bytes, _request, response) => {
    response.writeHead(500).end('oops');
  },
  'what is not HTTP': (_host, _bytes, request) => {
    request.socket.end('SSH-2.0-OpenSSH_9.2p1\r\n\0\0\u001b[2J');
  },
  'a megabyte of headers': (_host, _bytes, request) => {
    request.socket.end(`HTTP/1.1 200 OK\r\n${`x-filler: ${'y'.repeat(1_000)}\r\n`.repeat(1_000)}\r\n`);
  },
} satisfies Record<string, Answer>;

const NAMES = Object.keys(ANSWERS) as (keyof typeof ANSWERS)[];

/** Hosts models' weights, rudely a few times and then well, each time they are fetched. */
export class HostileHost {
  /** How often each kind of answer was given. */
  readonly given: Record<string, number> = Object.fromEntries(NAMES.map((name) => [name, 0]));
  /** Answers that were well meant. */
  honest = 0;
  readonly #files = new Map<string, Buffer>();
  /** Hostile answers left before an honest one, by file. */
  readonly #left = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #server: Server;
  readonly #random: () => number;
  #deck: (keyof typeof ANSWERS)[] = [];
  /** Honest answers of every other time are sent there: a base URL. */
  elsewhere: string | undefined;

  private constructor(random: () => number) {
    this.#random = random;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async listen(random: () => number): Promise<HostileHost> {
    const host = new HostileHost(random);
    await new Promise<void>((resolve) => host.#server.listen(0, '127.0.0.1', resolve));
    return host;
  }

  /** Files lie below it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  put(name: string, bytes: Uint8Array): void {
    this.#files.set(name, Buffer.from(bytes));
  }

  /** Does something to a connection again and again while it is open. */
  again(socket: Socket, everyMs: number, act: () => void): void {
    const timer = setInterval(act, everyMs);
    this.#timers.add(timer);
    socket.once('close', () => {
      clearInterval(timer);
      this.#timers.delete(timer);
    });
  }

  /** Writes to a connection as fast as it takes. */
  pour(socket: Socket): void {
    if (socket.destroyed) return;
    if (socket.write(ENDLESS_PIECE)) setImmediate(() => this.pour(socket));
    else socket.once('drain', () => this.pour(socket));
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // Its client goes when it has enough.
    request.socket.on('error', () => {});
    response.on('error', () => {});
    const url = request.url ?? '';
    if (url.endsWith(AGAIN)) return void response.writeHead(302, { location: url }).end();
    const name = url.slice(1);
    const bytes = this.#files.get(name);
    if (bytes === undefined) return void response.writeHead(404).end();
    const left = this.#left.get(name) ?? Math.floor(this.#random() * (MOST_IN_A_ROW + 1));
    if (left === 0) {
      this.#left.delete(name);
      this.#serve(name, bytes, request, response);
      return;
    }
    this.#left.set(name, left - 1);
    const kind = this.#draw();
    this.given[kind] = (this.given[kind] ?? 0) + 1;
    ANSWERS[kind](this, bytes, request, response);
  }

  /** Every kind comes once before one comes again. */
  #draw(): keyof typeof ANSWERS {
    if (this.#deck.length === 0) this.#deck = [...NAMES];
    return this.#deck.splice(Math.floor(this.#random() * this.#deck.length), 1)[0] ?? NAMES[0]!;
  }

  #serve(name: string, bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
    if (++this.honest % 2 === 0 && this.elsewhere !== undefined) {
      return void response.writeHead(302, { location: `${this.elsewhere}/${name}` }).end();
    }
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(first > 0 ? 206 : 200, { 'content-length': bytes.length - first, ...(first > 0 && range) });
    response.end(bytes.subarray(first));
  }
}
