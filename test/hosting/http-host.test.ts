import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpHost, verifiedHost } from '../../src/hosting/index.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { HttpClient } from '../../src/net/index.js';

let dir: string;
let host: HttpHost;
const http = new HttpClient({ retry: { attempts: 1 } });
const bytes = new TextEncoder().encode('0123456789');
const checksum = Buffer.from(blake2b256(bytes)).toString('hex');
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-host-'));
  host = await HttpHost.listen({ dir, port: 0 });
});
afterEach(async () => {
  await host.close();
  await rm(dir, { recursive: true });
});

test('serves published bytes, whole and in ranges', async () => {
  const url = await host.publish(checksum, bytes);
  expect(await host.publish(checksum, bytes)).toBe(url);
  expect(Buffer.from(await http.bytes({ url })).toString()).toBe('0123456789');
  for (const [range, status, text] of [
    ['bytes=2-4', 206, '234'],
    ['bytes=7-', 206, '789'],
    ['bytes=-2', 206, '89'],
    ['bytes=5-100', 206, '56789'],
    ['nonsense', 200, '0123456789'],
  ] as const) {
    const response = await http.request({ url, headers: { range } });
    expect([response.status, await response.text()]).toEqual([status, text]);
  }
  await expect(http.request({ url, headers: { range: 'bytes=10-' } })).rejects.toMatchObject({ status: 416 });
});

test('what was published is there after a restart', async () => {
  await host.publish(checksum, bytes);
  await host.close();
  host = await HttpHost.listen({ dir, port: 0 });
  const url = await host.publish('0'.repeat(64), bytes);
  expect(Buffer.from(await http.bytes({ url: url.replace('0'.repeat(64), checksum) })).toString()).toBe('0123456789');
});

test('what the disk refuses is served all the same, and the next publication says so', async () => {
  await rm(dir, { recursive: true });
  const url = await host.publish(checksum, bytes);
  await expect
    .poll(() =>
      host.publish(checksum, bytes).then(
        () => 'published',
        (error: { code: string }) => error.code,
      ),
    )
    .toBe('FILE_NOT_FOUND');
  expect(Buffer.from(await http.bytes({ url })).toString()).toBe('0123456789');
  await mkdir(dir);
});

test('serves nothing else', async () => {
  const url = await host.publish(checksum, bytes);
  for (const path of ['/', '/data/../../etc/passwd', `/data/${checksum}x`, `/data/${'0'.repeat(64)}`]) {
    await expect(http.request({ url: new URL(url).origin + path })).rejects.toMatchObject({ status: 404 });
  }
  await expect(http.request({ url, method: 'PUT', body: 'x' })).rejects.toMatchObject({ status: 405 });
  await host.remove(checksum);
  await expect(http.request({ url })).rejects.toMatchObject({ status: 404 });
});

test('a taken port is a clear error', async () => {
  const port = Number(new URL(await host.publish(checksum, bytes)).port);
  await expect(HttpHost.listen({ dir, port })).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('a public URL that does not lead back to the data is detected before the first submission', async () => {
  const wrong = await HttpHost.listen({ dir, port: 0, publicUrl: 'http://127.0.0.1:1/elsewhere' });
  await expect(verifiedHost(wrong, http).publish(checksum, bytes)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
  });
  await wrong.close();
  await expect(verifiedHost(host, http).publish(checksum, bytes)).resolves.toContain(checksum);
});

test('an interruption while the data is fetched back is not a fault of the host', async () => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port: publicPort } = silent.address() as AddressInfo;
  const behind = await HttpHost.listen({ dir, port: 0, publicUrl: `http://127.0.0.1:${publicPort}` });
  const stop = new AbortController();
  try {
    const publishing = expect(verifiedHost(behind, http).publish(checksum, bytes, stop.signal)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    await once(silent, 'request');
    stop.abort('SIGINT');
    await publishing;
  } finally {
    await behind.close();
    silent.closeAllConnections();
    silent.close();
  }
});
