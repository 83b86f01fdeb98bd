import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpHost, S3Host } from '../../src/hosting/index.js';
import { HttpClient } from '../../src/http/index.js';
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
