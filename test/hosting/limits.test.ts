import { mkdtemp, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpHost, S3Host } from '../../src/hosting/index.js';
import { HttpClient } from '../../src/net/index.js';
import { listen } from '../loopback-server.js';

let dir: string;
const http = new HttpClient({ retry: { attempts: 1 } });
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-limits-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('idle connections beyond the limit give way, and the data stays reachable', async () => {
  const host = await HttpHost.listen({ dir, port: 0, maxConnections: 8 });
  const checksum = 'ab'.repeat(32);
  const url = await host.publish(checksum, Buffer.from('data'));
  let closed = 0;
  const sockets: Socket[] = [];
  for (let i = 0; i < 40; i++) {
    const socket = connect(host.port, '127.0.0.1').on('error', () => {});
    socket.on('close', () => closed++);
    sockets.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
  }
  await expect.poll(() => closed).toBeGreaterThanOrEqual(32);
  expect(Buffer.from(await http.bytes({ url })).toString()).toBe('data');
  for (const socket of sockets) socket.destroy();
  await host.close();
});

/** More than a connection's buffers hold. */
const BIG = Buffer.alloc(32 * 2 ** 20, 7);

/** Connects, sends so many requests at once and reads no more of the answers than their first bytes. */
async function requestWithoutReading(port: number, checksum: string, requests: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(`GET /data/${checksum} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(requests));
  await new Promise((resolve) => socket.once('readable', resolve).once('close', resolve));
  return socket;
}

test('clients that do not read their answers keep nobody out', async () => {
  const host = await HttpHost.listen({ dir, port: 0, maxConnections: 4 });
  const big = 'ab'.repeat(32);
  await host.publish(big, BIG);
  const url = await host.publish('cd'.repeat(32), Buffer.from('data'));
  const sockets: Socket[] = [];
  for (let i = 0; i < 4; i++) sockets.push(await requestWithoutReading(host.port, big, 1));
  expect(Buffer.from(await http.bytes({ url })).toString()).toBe('data');
  for (const socket of sockets) socket.destroy();
  await host.close();
});

/** Files of the directory that this process has open. */
async function openFiles(): Promise<number> {
  const open = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(open)).filter((path) => path.startsWith(dir)).length;
}

test.runIf(process.platform === 'linux')(
  'a client that sends requests ahead and leaves holds no file open',
  async () => {
    const host = await HttpHost.listen({ dir, port: 0 });
    const big = 'ab'.repeat(32);
    const url = await host.publish(big, BIG);
    (await requestWithoutReading(host.port, big, 10)).destroy();
    await expect.poll(openFiles).toBe(0);
    expect((await http.bytes({ url })).byteLength).toBe(BIG.byteLength);
    await host.close();
  },
);

test('a connection is kept longer than a load balancer keeps it', async () => {
  const host = await HttpHost.listen({ dir, port: 0 });
  const url = await host.publish('cd'.repeat(32), Buffer.from('x'));
  const response = await http.request({ url });
  expect(Number(/timeout=(\d+)/.exec(response.headers['keep-alive'] ?? '')?.[1])).toBeGreaterThan(60);
  await response.discard();
  await host.close();
});

test('a link in the directory is not followed', async () => {
  const host = await HttpHost.listen({ dir, port: 0 });
  await writeFile(join(dir, 'secret'), 'no');
  await symlink('secret', join(dir, 'ef'.repeat(32)));
  const url = `http://127.0.0.1:${host.port}/data/${'ef'.repeat(32)}`;
  await expect(http.request({ url })).rejects.toMatchObject({ status: 404 });
  await host.close();
});

test('a streamed upload that is answered 503 SlowDown is opened and sent again', async () => {
  const sizes: number[] = [];
  const server = await listen((request, response) => {
    let size = 0;
    request.on('data', (piece: Uint8Array) => {
      size += piece.byteLength;
    });
    request.on('end', () => {
      if (request.method !== 'PUT') return void response.writeHead(404).end();
      sizes.push(size);
      response.writeHead(sizes.length < 3 ? 503 : 200).end();
    });
  });
  const endpointUrl = server.url;
  const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
  const host = new S3Host({ bucket: 'b', endpointUrl, publicUrl: `${endpointUrl}/b`, region: 'auto', ...credentials });
  const path = join(dir, 'big');
  await writeFile(path, Buffer.alloc(3_000_000, 7));
  await host.publishFile('ab'.repeat(32), path);
  expect(sizes).toEqual([3_000_000, 3_000_000, 3_000_000]);
  await host.close();
  await server.close();
});
