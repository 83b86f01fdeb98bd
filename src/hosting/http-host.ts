import { constants } from 'node:fs';
import { copyFile, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { toQuarryError } from '../errors/index.js';
import { makeDirectory } from '../files/make-directory.js';
import { closeServer, hostAndPort, listen, oneAtATime } from '../net/index.js';
import type { DataHost } from './contract.js';
import { limitConnections } from './limit-connections.js';
import { parseRange } from './range.js';
import { UnwrittenData } from './unwritten-data.js';

/** Options of {@link HttpHost}. */
export interface HttpHostOptions {
  /** Directory of published data, one file each, named by checksum. Survives restarts. */
  readonly dir: string;
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** Base URL under which others reach this server. Default `http://host:port`. */
  readonly publicUrl?: string | undefined;
  /** Maximum open connections; a new one beyond that closes the longest idle, else the longest busy. Default 256. */
  readonly maxConnections?: number | undefined;
}

/** Data up to this size is served from memory before it is on disk. */
const AT_ONCE_BYTES = 64 * 1024;
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  // Longer than the 60 s idle timeout of load balancers, so that they never reuse a connection we just closed.
  keepAliveTimeout: 75_000,
  maxHeaderSize: 8 * 1024,
} as const;
/** Opening waits for nothing, and follows no link out of the directory. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NOFOLLOW | (constants.O_NONBLOCK ?? 0);
const CHECKSUM_PATH = /^\/data\/([0-9a-f]{64})$/;

/** Serves published bytes from this process, with `Range` support. */
export class HttpHost implements DataHost {
  readonly name = 'http';
  readonly #dir: string;
  readonly #memory: UnwrittenData;
  readonly #server: Server;
  readonly #baseUrl: string;
  #writes = 0;

  private constructor(dir: string, server: Server, baseUrl: string) {
    this.#dir = dir;
    this.#memory = new UnwrittenData((checksum, bytes) => this.#store(checksum, bytes));
    this.#server = server;
    this.#baseUrl = baseUrl;
    server.on(
      'request',
      oneAtATime((request, response) => void serve(dir, this.#memory, request, response)),
    );
  }

  /** @throws QuarryError `CONFLICT` when the port is taken */
  static async listen(options: HttpHostOptions): Promise<HttpHost> {
    makeDirectory(options.dir, { mode: 0o700 });
    const host = options.host ?? '127.0.0.1';
    const server = createServer(LIMITS);
    limitConnections(server, options.maxConnections ?? 256);
    const port = await listen(server, { host, port: options.port, what: "the data host's port" });
    const base = options.publicUrl ?? `http://${hostAndPort(host, port)}`;
    return new HttpHost(options.dir, server, base.replace(/\/$/, ''));
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Serves these bytes. Small data is served from memory at once and written to disk later, because a submission waits
   * for this call; until then the publisher's store still has the bytes.
   *
   * @throws QuarryError when writing these bytes, or data published just before, failed
   */
  async publish(checksum: string, bytes: Uint8Array): Promise<string> {
    const isSmall = bytes.byteLength <= AT_ONCE_BYTES;
    if (!isSmall || !this.#memory.take(checksum, bytes)) await this.#store(checksum, bytes);
    return this.#urlOf(checksum);
  }

  async #store(checksum: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#dir, checksum);
    if ((await stat(path).catch(() => undefined))?.size === bytes.byteLength) return;
    const partial = this.#partial(path);
    try {
      // No fsync: the store has the bytes too, and publishing again after a crash restores them.
      await writeFile(partial, bytes);
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw toQuarryError(error, 'storing hosted data');
    }
  }

  async publishFile(checksum: string, path: string): Promise<string> {
    const hosted = join(this.#dir, checksum);
    const partial = this.#partial(hosted);
    try {
      await copyFile(path, partial);
      await rename(partial, hosted);
    } catch (error) {
      await rm(partial, { force: true });
      throw toQuarryError(error, 'storing a hosted file');
    }
    return this.#urlOf(checksum);
  }

  /** A unique temporary name: the same bytes may be published twice concurrently. */
  #partial(path: string): string {
    return `${path}.${process.pid}.${this.#writes++}.part`;
  }

  #urlOf(checksum: string): string {
    return new URL(`${this.#baseUrl}/data/${checksum}`).href;
  }

  async remove(checksum: string): Promise<void> {
    await this.#memory.forget(checksum);
    await rm(join(this.#dir, checksum), { force: true });
  }

  /** Writes pending data to disk, then closes the server and its connections. The files stay. */
  async close(): Promise<void> {
    await this.#memory.written();
    await closeServer(this.#server);
  }
}

async function serve(
  dir: string,
  memory: UnwrittenData,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const checksum = CHECKSUM_PATH.exec(request.url ?? '')?.[1];
  if (checksum === undefined) return void response.writeHead(404).end();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  }
  const held = memory.get(checksum);
  if (held !== undefined) {
    const range = answerHead(checksum, held.byteLength, request, response);
    return void response.end(range === undefined ? undefined : held.subarray(range.start, range.end + 1));
  }
  const file = await open(join(dir, checksum), READ_AT_ONCE).catch(() => undefined);
  if (file === undefined) return void response.writeHead(404).end();
  try {
    const stats = await file.stat();
    if (!stats.isFile()) return void response.writeHead(404).end();
    const range = answerHead(checksum, stats.size, request, response);
    if (range === undefined) return void response.end();
    await pipeline(file.createReadStream({ ...range, autoClose: false }), response);
  } catch {
    // The client disconnected or the file is gone, and the headers are already sent.
    response.destroy();
  } finally {
    await file.close();
  }
}

/** Writes status and headers. Returns the inclusive byte range to send as body, if any. */
function answerHead(
  checksum: string,
  size: number,
  request: IncomingMessage,
  response: ServerResponse,
): { readonly start: number; readonly end: number } | undefined {
  const range = parseRange(request.headers.range, size);
  const headers = { 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', etag: `"${checksum}"` };
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` });
    return undefined;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start + 1,
    ...(range !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  return request.method === 'HEAD' || size === 0 ? undefined : { start, end };
}
