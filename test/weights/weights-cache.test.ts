import { createCipheriv } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { blake2b256 } from '../../src/native/blake2b.js';
import { HttpClient } from '../../src/net/index.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';
import type { WeightsFile } from '../../src/weights/weights-file.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

const values = Float32Array.from({ length: 50_000 }, (_, i) => i / 7);
const plain = encodeSafetensors([
  { name: 'w', dtype: 'F32', shape: [values.length], data: new Uint8Array(values.buffer) },
]);
const decryptionKey = Uint8Array.from({ length: 32 }, (_, i) => i);
const cipher = createCipheriv('aes-256-ctr', decryptionKey, Buffer.alloc(16));
const encrypted = new Uint8Array(cipher.update(plain));
const checksum = Buffer.from(blake2b256(encrypted)).toString('hex');
const identity = weightsIdentity({ checksum, decryptionKey });

let dir: string;
let server: LoopbackServer | undefined;
const opened: WeightsFile[] = [];
const http = new HttpClient({ timeoutMs: 1000 });
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-weights-'));
});
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
  await server?.close();
  await rm(dir, { recursive: true });
});
async function serving(handler: RequestListener) {
  server = await listen(handler);
  return { url: server.url, checksum, sizeBytes: encrypted.byteLength, decryptionKey };
}
const entries = async () => (await readdir(dir, { recursive: true })).filter((name) => name !== 'partial');
const ranged: RequestListener = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const headers = start > 0 ? { 'content-range': `bytes ${start}-${encrypted.length - 1}/${encrypted.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, headers).end(encrypted.subarray(start));
};

async function openFrom(cache: WeightsCache, ...args: Parameters<WeightsCache['open']>): Promise<WeightsFile> {
  const file = await cache.open(...args);
  opened.push(file);
  return file;
}

test('downloads, verifies, decrypts and caches', async () => {
  let requests = 0;
  const manifest = await serving((request, response) => {
    requests++;
    ranged(request, response);
  });
  const cache = new WeightsCache({ dir }, { http });
  const progress: number[] = [];
  // Whichever of them comes first downloads.
  const onProgress = (received: number): void => void progress.push(received);
  const [file, again] = await Promise.all([
    openFrom(cache, manifest, { onProgress }),
    openFrom(cache, manifest, { onProgress }),
  ]);
  expect(await file.read('w')).toEqual(values);
  expect(again.checksum).toBe(identity);
  expect(progress.at(-1)).toBe(encrypted.byteLength);
  expect(requests).toBe(1);
  expect(await entries()).toEqual([`${identity}.safetensors`]);
});

test('two caches over one directory, as of two processes, download once', async () => {
  let requests = 0;
  const manifest = await serving((request, response) => {
    requests++;
    ranged(request, response);
  });
  const caches = [new WeightsCache({ dir }, { http }), new WeightsCache({ dir }, { http })];
  await Promise.all(caches.map((cache) => openFrom(cache, manifest)));
  expect(requests).toBe(1);
  expect(await entries()).toEqual([`${identity}.safetensors`]);
});

test('continues after dropped connections with ranges', async () => {
  const starts: number[] = [];
  const manifest = await serving((request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    starts.push(start);
    if (starts.length > 2) return ranged(request, response);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': encrypted.length - start,
      'content-range': `bytes ${start}-${encrypted.length - 1}/${encrypted.length}`,
    });
    response.write(encrypted.subarray(start, start + 60_001), () => response.destroy());
  });
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest);
  expect(await file.read('w')).toEqual(values);
  expect(starts).toHaveLength(3);
  expect(starts[1]).toBeGreaterThan(0);
});

test('continues an interrupted download when nothing is nearby after all', async () => {
  const left = 16 * 4096;
  await mkdir(join(dir, 'partial'));
  await writeFile(join(dir, 'partial', `${identity}.part`), plain.subarray(0, left));
  const asked: (string | undefined)[] = [];
  const manifest = await serving((request, response) => {
    asked.push(request.headers.range);
    ranged(request, response);
  });
  async function* nearby(isShared: boolean): AsyncGenerator<Uint8Array> {
    if (!isShared) throw new QuarryError('NOT_FOUND', 'not shared');
    yield encrypted;
  }
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: nearby(false) });
  expect(await file.read('w')).toEqual(values);
  expect(asked).toEqual([`bytes=${left}-`]);
});

test('resumes from a nearby copy, and from its host where that ends too soon', async () => {
  await mkdir(join(dir, 'partial'));
  const part = join(dir, 'partial', `${identity}.part`);
  const asked: (string | undefined)[] = [];
  const manifest = await serving((request, response) => {
    asked.push(request.headers.range);
    ranged(request, response);
  });
  async function* pieces(end: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < end; at += 5_000) yield encrypted.subarray(at, Math.min(at + 5_000, end));
  }
  await writeFile(part, plain.subarray(0, 16 * 4096));
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: pieces(100_000) });
  expect(await file.read('w')).toEqual(values);
  expect(asked).toEqual(['bytes=100000-']);
  await rm(join(dir, `${identity}.safetensors`));
  await writeFile(part, plain.subarray(0, 16 * 4096));
  const again = await openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: pieces(encrypted.length) });
  expect(await again.read('w')).toEqual(values);
  expect(asked).toHaveLength(1);
});

test('an interrupted download survives what is nearby and ends before it', async () => {
  await mkdir(join(dir, 'partial'));
  await writeFile(join(dir, 'partial', `${identity}.part`), plain.subarray(0, 16 * 4096));
  const asked: (string | undefined)[] = [];
  const manifest = await serving((request, response) => {
    asked.push(request.headers.range);
    ranged(request, response);
  });
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield encrypted.subarray(0, 9_000);
    throw new QuarryError('TIMEOUT', 'shared weights do not arrive');
  }
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: broken() });
  expect(await file.read('w')).toEqual(values);
  expect(asked).toEqual([`bytes=${16 * 4096}-`]);
});

test('a wrong nearby copy is discarded, and a slow one abandoned', async () => {
  const asked: (string | undefined)[] = [];
  const manifest = await serving((request, response) => {
    asked.push(request.headers.range);
    ranged(request, response);
  });
  for (const wrong of [new Uint8Array(encrypted.length), new Uint8Array(encrypted.length + 1)]) {
    async function* lie(): AsyncGenerator<Uint8Array> {
      yield wrong;
    }
    const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: lie() });
    expect(await file.read('w')).toEqual(values);
    await rm(join(dir, `${identity}.safetensors`));
  }
  let given = 0;
  async function* dripping(): AsyncGenerator<Uint8Array> {
    for (; given < encrypted.length; given++) yield encrypted.subarray(given, given + 1);
  }
  // Every wait is a window, and no byte is quick enough.
  const minThroughput = { bytesPerSecond: Number.MAX_SAFE_INTEGER, windowMs: 0 };
  const opening = openFrom(new WeightsCache({ dir }, { http }), manifest, { nearby: dripping(), minThroughput });
  await expect(opening).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(given).toBe(0);
});

test('continues against a server that ignores ranges', async () => {
  let calls = 0;
  const manifest = await serving((_, response) => {
    response.writeHead(200, { 'content-length': encrypted.length });
    if (++calls === 1) response.write(encrypted.subarray(0, 70_000), () => response.destroy());
    else response.end(encrypted);
  });
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest);
  expect(await file.read('w')).toEqual(values);
});

test('tries the fallback address when the first refuses', async () => {
  const manifest = await serving((request, response) =>
    request.url === '/proxy' ? ranged(request, response) : void response.writeHead(404).end(),
  );
  const cache = new WeightsCache({ dir }, { http });
  const file = await openFrom(cache, manifest, { fallbacks: [{ http, url: `${manifest.url}/proxy` }] });
  expect(file.byteLength).toBe(plain.byteLength);
});

const garbage = Uint8Array.from(encrypted, (byte) => byte ^ 0x55);
const QUICK = { minThroughput: { bytesPerSecond: 10_000, windowMs: 100 }, maxInterruptions: 1 };
/** Sends a byte every few milliseconds: never silent, never done. */
const drip: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-length': encrypted.length });
  const timer = setInterval(() => response.write('x'), 10);
  response.once('close', () => clearInterval(timer));
};

test('asks every fullnode when the first address serves right-sized garbage', async () => {
  const asked: string[] = [];
  const manifest = await serving((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/second') ranged(request, response);
    else response.end(garbage);
  });
  const fallbacks = ['/first', '/second'].map((path) => ({ http, url: manifest.url + path }));
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { fallbacks });
  expect(await file.read('w')).toEqual(values);
  expect(asked).toEqual(['/', '/first', '/second']);
  expect(await entries()).toEqual([`${identity}.safetensors`]);
});

test('an oversized body is discarded before another address is asked', async () => {
  const manifest = await serving((request, response) => {
    if (request.url === '/proxy') ranged(request, response);
    else response.end(Buffer.concat([garbage, garbage]));
  });
  const fallbacks = [{ http, url: `${manifest.url}/proxy` }];
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { fallbacks });
  expect(await file.read('w')).toEqual(values);
});

test('asks one address for all of it when two together delivered garbage', async () => {
  const asked: string[] = [];
  const manifest = await serving((request, response) => {
    asked.push(`${request.url} ${request.headers.range ?? 'all'}`);
    if (request.url === '/proxy') return ranged(request, response);
    if (request.headers.range !== undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': encrypted.length });
    response.write(garbage.subarray(0, 60_000), () => response.destroy());
  });
  const fallbacks = [{ http, url: `${manifest.url}/proxy` }];
  const file = await openFrom(new WeightsCache({ dir }, { http }), manifest, { fallbacks });
  expect(await file.read('w')).toEqual(values);
  expect(asked.at(-2)).toMatch(/^\/proxy bytes=\d+-$/);
  expect(asked.at(-1)).toBe('/proxy all');
});

test('abandons an address that drips for one that does not', async () => {
  const manifest = await serving((request, response) => {
    if (request.url === '/proxy') ranged(request, response);
    else drip(request, response);
  });
  const cache = new WeightsCache({ dir }, { http });
  const fallbacks = [{ http, url: `${manifest.url}/proxy` }];
  const file = await openFrom(cache, manifest, { ...QUICK, fallbacks });
  expect(await file.read('w')).toEqual(values);
});

test('waits for a fullnode, which fetches all of it before it answers, longer than for a host', async () => {
  const manifest = await serving((request, response) => {
    if (request.url === '/proxy') setTimeout(() => ranged(request, response), 600);
  });
  const hasty = new HttpClient({ timeoutMs: 200 });
  const cache = new WeightsCache({ dir }, { http: hasty });
  const fallbacks = [{ http: hasty, url: `${manifest.url}/proxy` }];
  const file = await openFrom(cache, manifest, { fallbacks, maxInterruptions: 0 });
  expect(await file.read('w')).toEqual(values);
  await hasty.close();
});

test('abandons an address that falls silent midway, and resumes elsewhere', async () => {
  const asked: string[] = [];
  const manifest = await serving((request, response) => {
    asked.push(`${request.url} ${request.headers.range !== undefined}`);
    if (request.url === '/proxy') return ranged(request, response);
    response.writeHead(200, { 'content-length': encrypted.length });
    response.write(encrypted.subarray(0, 60_000));
  });
  const fallbacks = [{ http, url: `${manifest.url}/proxy` }];
  const patient = new HttpClient({ timeoutMs: 60_000 });
  const file = await openFrom(new WeightsCache({ dir }, { http: patient }), manifest, { fallbacks, stallMs: 1_000 });
  expect(await file.read('w')).toEqual(values);
  expect(asked).toEqual(['/ false', '/proxy true']);
  await patient.close();
});

test('reports when every address drips', async () => {
  const manifest = await serving(drip);
  await expect(new WeightsCache({ dir }, { http }).open(manifest, QUICK)).rejects.toMatchObject({
    code: 'TIMEOUT',
    details: { leastBytesPerSecond: 10_000 },
  });
  expect(await entries()).toEqual([]);
});

test.each<[string, RequestListener, string]>([
  ['too short', (_, response) => void response.end(encrypted.subarray(0, 1000)), 'SIZE_MISMATCH'],
  ['too long', (_, response) => void response.end(Buffer.concat([encrypted, encrypted])), 'SIZE_MISMATCH'],
  ['changed', (_, response) => void response.end(Buffer.from(encrypted).fill(0, 5, 6)), 'CHECKSUM_MISMATCH'],
  ['missing', (_, response) => void response.writeHead(404).end(), 'NOT_FOUND'],
])('weights that are %s leave no entry', async (_, handler, code) => {
  const manifest = await serving(handler);
  await expect(new WeightsCache({ dir }, { http }).open(manifest, { maxInterruptions: 1 })).rejects.toMatchObject({
    code,
  });
  expect(await entries()).toEqual([]);
});

test('a wrong key and a key of the wrong length leave no entry', async () => {
  const manifest = await serving(ranged);
  const cache = new WeightsCache({ dir }, { http });
  await expect(cache.open({ ...manifest, decryptionKey: new Uint8Array(32) })).rejects.toMatchObject({
    code: 'WEIGHTS_INVALID',
  });
  await expect(cache.open({ ...manifest, decryptionKey: new Uint8Array(31) })).rejects.toMatchObject({
    code: 'KEY_INVALID',
  });
  expect(await entries()).toEqual([]);
});

test('an abort ends the download and leaves no entry', async () => {
  const manifest = await serving((_, response) => {
    response.writeHead(200, { 'content-length': encrypted.length });
    response.write(encrypted.subarray(0, 100));
  });
  const stop = new AbortController();
  const opening = new WeightsCache({ dir }, { http }).open(manifest, {
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await entries()).toEqual([]);
});

test('the same encrypted file under another key is another entry, and pruning keeps what is wanted', async () => {
  const manifest = await serving(ranged);
  const cache = new WeightsCache({ dir }, { http });
  await openFrom(cache, manifest);
  const stolen = { ...manifest, decryptionKey: new Uint8Array(32).fill(9) };
  await expect(cache.open(stolen)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  expect(await cache.has(manifest)).toBe(true);
  expect(await cache.has(stolen)).toBe(false);
  await cache.prune([manifest]);
  expect(await entries()).toEqual([`${identity}.safetensors`]);
  await cache.prune([]);
  expect(await entries()).toEqual([]);
});
