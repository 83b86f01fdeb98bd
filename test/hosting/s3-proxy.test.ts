import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { S3Host } from '../../src/hosting/index.js';
import { type S3Server, startS3Server } from '../miner/s3-server.js';

const before = { ...process.env };
let server: S3Server | undefined;
afterEach(async () => {
  process.env = { ...before };
  await server?.close();
});

test('a bucket is reached through the proxy of the environment, with bytes, files, refusals and removal', async () => {
  // What a proxy is asked for names the whole URL: this one answers for the bucket itself. The second request fails.
  server = await startS3Server((n) => n === 1);
  process.env['http_proxy'] = server.url;
  const host = new S3Host({
    bucket: 'data',
    endpointUrl: 'http://s3.corp.example',
    publicUrl: 'https://data.example.com',
    region: 'eu',
    accessKeyId: 'id',
    secretAccessKey: 'secret',
  });
  const url = 'http://s3.corp.example/data/quarry/';
  expect(await host.publish('aa', Buffer.from('sample'))).toBe('https://data.example.com/quarry/aa');
  expect(server.refused()).toBe(1);
  expect(server.objects.get(`${url}aa`)?.toString()).toBe('sample');
  const dir = await mkdtemp(join(tmpdir(), 'quarry-s3-'));
  // From 2 MiB on the SDK would ask before it sends.
  await writeFile(join(dir, 'file'), 'x'.repeat(2 * 2 ** 20));
  await host.publishFile('bb', join(dir, 'file'));
  expect(server.objects.get(`${url}bb`)?.length).toBe(2 * 2 ** 20);
  await host.remove('aa');
  expect([...server.objects.keys()]).toEqual([`${url}bb`]);
  await host.close();
  await rm(dir, { recursive: true });
});
