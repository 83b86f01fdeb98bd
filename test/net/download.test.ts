import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { QuarryError, toQuarryError } from '../../src/errors/index.js';
import {
  type DownloadOptions,
  download,
  HttpClient,
  lockFile,
  lockFileWhenFree,
  openStream,
  PartFile,
} from '../../src/net/index.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

const FILE = randomBytes(400_000);
const OTHER = randomBytes(400_000);
const QUICK = { baseMs: 1, maxMs: 2 };
const http = new HttpClient({ timeoutMs: 2_000 });
const servers: LoopbackServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A server that sends `file()` with its ETag, honours ranges, and cuts its first `cuts` answers after 100,000 bytes. */
async function store(options: { file?: () => Buffer; cuts?: number; etag?: boolean; more?: RequestListener } = {}) {
  const asked: string[] = [];
  let cuts = options.cuts ?? 0;
  const server = await listen((request, response) => {
    asked.push(String(request.headers.range ?? 'all'));
    if (options.more !== undefined) return options.more(request, response);
    const file = (options.file ?? (() => FILE))();
    const etag = etagOf(file);
    const other = (request.headers['if-range'] ?? etag) !== etag;
    const start = other ? 0 : Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': file.length - start,
      ...(options.etag !== false && { etag }),
      ...(start > 0 && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
    });
    if (cuts-- > 0) cut(response, file.subarray(start, start + 100_000));
    else response.end(file.subarray(start));
  });
  servers.push(server);
  return { source: { http, url: server.url }, asked };
}

function etagOf(file: Buffer): string {
  return `"${file.subarray(0, 4).toString('hex')}"`;
}

/** Breaks the connection once the bytes had time to be read: a client throws away what it has not read by then. */
function cut(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => setTimeout(() => response.destroy(), 50));
}

function memory() {
  const chunks: Uint8Array[] = [];
  return {
    chunks,
    bytes: () => Buffer.concat(chunks),
    write: (chunk: Uint8Array) => void chunks.push(chunk),
    restart: () => void chunks.splice(0),
  };
}

/** Compares with FILE, as a checksum would. */
function verified(sink: ReturnType<typeof memory>): DownloadOptions {
  return {
    backoff: QUICK,
    verify: async () => {
      if (!sink.bytes().equals(FILE)) throw new QuarryError('CHECKSUM_MISMATCH', 'wrong bytes');
    },
  };
}

describe('download', () => {
  it('resumes where the connection broke, bound to the ETag', async () => {
    const { source, asked } = await store({ cuts: 2 });
    const sink = memory();
    expect(await download([source], sink, { backoff: QUICK })).toBe(FILE.length);
    expect(sink.bytes().equals(FILE)).toBe(true);
    expect(asked).toHaveLength(3);
    expect(asked[2]).toMatch(/^bytes=[1-9]/);
  });

  it('begins again when the ETag changed, and never mixes versions', async () => {
    let requests = 0;
    const { source, asked } = await store({ cuts: 1, file: () => (++requests === 1 ? OTHER : FILE) });
    const sink = memory();
    await download([source], sink, { backoff: QUICK });
    expect(sink.bytes().equals(FILE)).toBe(true);
    expect(asked[1]).toMatch(/^bytes=[1-9]/);
    expect(asked).toHaveLength(2);
  });

  it('begins again when a server that ignores If-Range sends a range of another version', async () => {
    let requests = 0;
    const more: RequestListener = (request, response) => {
      const file = ++requests === 1 ? OTHER : FILE;
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` };
      response.writeHead(start > 0 ? 206 : 200, { etag: etagOf(file), ...(start > 0 && range) });
      if (requests === 1) cut(response, file.subarray(0, 100_000));
      else response.end(file.subarray(start));
    };
    const { source } = await store({ more });
    const sink = memory();
    await download([source], sink, { backoff: QUICK });
    expect(sink.bytes().equals(FILE)).toBe(true);
  });

  it('begins again when the whole of a file of unknown length comes without an ETag where a range was asked for', async () => {
    let requests = 0;
    const more: RequestListener = (_, response) => {
      if (++requests > 1) return void response.writeHead(200).end(FILE);
      response.writeHead(200, { etag: etagOf(OTHER) });
      cut(response, OTHER.subarray(0, 100_000));
    };
    const { source } = await store({ more });
    const sink = memory();
    await download([source], sink, { backoff: QUICK });
    expect(sink.bytes().equals(FILE)).toBe(true);
  });

  it('gives up a file that keeps changing', async () => {
    const { source } = await store({ cuts: 9, file: () => randomBytes(400_000) });
    const failed = download([source], memory(), { backoff: QUICK });
    await expect(failed).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });

  it('without an ETag resumes only when a checksum will verify the result', async () => {
    const unsure = await store({ cuts: 1, etag: false });
    await download([unsure.source], memory(), { backoff: QUICK });
    expect(unsure.asked).toEqual(['all', 'all']);
    const sure = await store({ cuts: 1, etag: false });
    const sink = memory();
    await download([sure.source], sink, verified(sink));
    expect(sure.asked[1]).toMatch(/^bytes=[1-9]/);
  });

  it('moves to the next address when the checksum is wrong', async () => {
    const wrong = await store({ file: () => OTHER });
    const right = await store();
    const sink = memory();
    await download([wrong.source, right.source], sink, verified(sink));
    expect(sink.bytes().equals(FILE)).toBe(true);
    expect([wrong.asked, right.asked]).toEqual([['all'], ['all']]);
  });

  it('abandons a host that drips, and one that is not done in time', async () => {
    const more: RequestListener = (_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      const timer = setInterval(() => response.write('x'), 10);
      response.once('close', () => clearInterval(timer));
    };
    const drip = await store({ more });
    const right = await store();
    const sink = memory();
    const minThroughput = { bytesPerSecond: 10_000, windowMs: 100 };
    await download([drip.source, right.source], sink, { ...verified(sink), minThroughput });
    expect(sink.bytes().equals(FILE)).toBe(true);
    const late = download([drip.source], memory(), { ...verified(memory()), totalMs: 100 });
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', details: { totalMs: 100 } });
  });

  it('reports a file shorter than announced as truncated, not damaged', async () => {
    const more: RequestListener = (request, response) => {
      if (request.headers.range === undefined) response.end(FILE);
      else response.writeHead(416, { 'content-range': `bytes */${FILE.length}` }).end();
    };
    const { source, asked } = await store({ more });
    const sink = memory();
    const failed = download([source], sink, { ...verified(sink), sizeBytes: FILE.length + 10 });
    await expect(failed).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(asked).toHaveLength(2);
  });

  it('waits as long as a busy server asks', async () => {
    let busy = 1;
    const more: RequestListener = (_, response) => {
      if (busy-- > 0) response.writeHead(503, { 'retry-after': '7' }).end();
      else response.end(FILE);
    };
    const { source } = await store({ more });
    const slept: number[] = [];
    await download([source], memory(), {}, { sleep: async (ms) => void slept.push(ms) });
    expect(slept).toEqual([7_000]);
  });

  it('does not take an encoded body for the file', async () => {
    const more: RequestListener = (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end(FILE);
    const { source } = await store({ more });
    await expect(download([source], memory())).rejects.toMatchObject({ code: 'PROTOCOL' });
  });
});

describe('stream', () => {
  it('bridges broken connections where an ETag names the version', async () => {
    const { source, asked } = await store({ cuts: 2 });
    const { body } = await openStream(source, { backoff: QUICK });
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(FILE)).toBe(true);
    expect(asked).toHaveLength(3);
  });

  it('fails, rather than mix versions, when the file changed or nothing names its version', async () => {
    let requests = 0;
    const changing = await store({ cuts: 1, file: () => (++requests === 1 ? OTHER : FILE) });
    const nameless = await store({ cuts: 1, etag: false });
    for (const { source } of [changing, nameless]) {
      const { body } = await openStream(source, { backoff: QUICK });
      const read = async (): Promise<void> => {
        for await (const _ of body);
      };
      const failure = await read().catch((error: unknown) => toQuarryError(error, 'reading'));
      expect(failure).toBeInstanceOf(QuarryError);
    }
  });
});

describe('a file that is downloaded', () => {
  it('resumes in a later run', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-download-'));
    const { source, asked } = await store({ cuts: 1 });
    const dest = join(dir, 'file.bin');
    for (const maxInterruptions of [-1, 0]) {
      const part = new PartFile(dest);
      await part.open('file', true);
      const onHead: DownloadOptions['onHead'] = async ({ etag = null, total = null }) =>
        part.describe({ object: 'file', etag, total, updatedAt: '' });
      const renewable = { http, currentUrl: async () => source.url, etag: part.record?.etag ?? undefined };
      const done = await download([renewable], part, {
        startAt: part.size,
        maxInterruptions,
        onHead,
        backoff: QUICK,
      }).then(
        () => true,
        () => false,
      );
      if (done) await part.finish(dest);
      await part.close();
    }
    expect((await readFile(dest)).equals(FILE)).toBe(true);
    expect(asked[1]).toMatch(/^bytes=[1-9]/);
    expect(await readdir(dir)).toEqual(['file.bin']);
    await rm(dir, { recursive: true });
  });

  it('is waited for while another download holds its lock', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-lock-'));
    const path = join(dir, 'x.lock');
    const first = await lockFileWhenFree(path);
    const order: string[] = [];
    const second = lockFileWhenFree(path).then((lock) => {
      order.push('second');
      return lock;
    });
    order.push('first');
    await first.release();
    await (await second).release();
    expect(order).toEqual(['first', 'second']);
    const held = await lockFileWhenFree(path);
    const waiting = lockFileWhenFree(path, AbortSignal.abort());
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    await held.release();
    await rm(dir, { recursive: true });
  });

  it('is not blocked for ever by an abandoned lock that names no process', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-lock-'));
    const path = join(dir, 'x.lock');
    await writeFile(path, '');
    await expect(lockFile(path)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    const longAgo = Date.now() / 1000 - 11;
    await utimes(path, longAgo, longAgo);
    await (await lockFile(path)).release();
    expect(await readdir(dir)).toEqual([]);
    await expect(lockFile(join(dir, 'none', 'x.lock'))).rejects.toBeInstanceOf(QuarryError);
    await rm(dir, { recursive: true });
  });
});
