import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toQuarryError } from '../../src/errors/index.js';
import { HttpClient } from '../../src/net/index.js';

/** What a client makes of a server that answers every connection with these bytes. */
async function codeOfAnswer(bytes: string, engine: 'fast' | 'lean'): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(bytes)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = new HttpClient({ engine, retry: { attempts: 1 } });
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    return await http.bytes({ url }).then(
      () => 'no error',
      (error: unknown) => toQuarryError(error, 'fetching').code,
    );
  } finally {
    await http.close();
    server.close();
  }
}

it.each(['fast', 'lean'] as const)(
  'takes what is not HTTP for the fault of its sender, with the %s client',
  async (engine) => {
    for (const answer of [
      'SSH-2.0-OpenSSH_9.2p1\r\n',
      'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
      `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_000)}\r\n`.repeat(200)}\r\n`,
      'HTTP/1.1 200 OK\r\ntransfer-encoding: sideways\r\ncontent-length: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
      'HTTP/1.1 302 Found\r\nlocation: http://[\r\ncontent-length: 0\r\n\r\n',
    ]) {
      expect(await codeOfAnswer(answer, engine), answer.slice(0, 60)).toBe('PROTOCOL');
    }
  },
);

it.runIf(process.platform === 'linux')('takes a disk that breaks for the fault of the disk', async () => {
  // Its first page is never mapped, and the kernel calls that an I/O error.
  const error = await readFile('/proc/self/mem').catch((failure: unknown) => failure);
  expect(toQuarryError(error, 'reading')).toMatchObject({ code: 'FILE_UNREADABLE', details: { errno: 'EIO' } });
});

it('says of a directory that cannot be made that it cannot be written, not that it is missing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-errors-'));
  try {
    await symlink('nowhere', join(dir, 'link'));
    let failure: unknown;
    try {
      mkdirSync(join(dir, 'link', 'state'), { recursive: true });
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ code: 'ENOENT' });
    expect(toQuarryError(failure, 'making it').code).toBe('FILE_UNREADABLE');
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('takes whatever the system says of a path for a matter of that path, never for a bug', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-errors-'));
  try {
    for (const attempt of [() => mkdir(dir), () => rmdir('/'), () => rename(dir, join(dir, 'inner'))]) {
      const failure = await attempt().catch((error: unknown) => error);
      expect(toQuarryError(failure, 'trying').code).toBe('FILE_UNREADABLE');
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});
