import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import type { DecodeOptions } from '../../src/sources/contract.js';
import { resolveSources, sampleStream } from '../../src/sources/index.js';
import { splitLines } from '../../src/sources/lines.js';
import { textOf } from '../../src/sources/text-field.js';
import { listen } from '../loopback-server.js';
import { PARQUET } from './parquet-rows.js';

let dir: string;
const http = new HttpClient();
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-records-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const QUICK = { attempts: 1, backoff: { baseMs: 1, maxMs: 1 } };

function read(...specs: string[]): Promise<{ texts: string[]; left: string[] }> {
  return readWith({}, ...specs);
}

async function readWith(decode: DecodeOptions, ...specs: string[]): Promise<{ texts: string[]; left: string[] }> {
  const left: string[] = [];
  const leave = (name: string, error: Error): void => void left.push(`${name}: ${error.message}`);
  const units = await resolveSources(specs, { cwd: dir, ...decode }, { http, onLeftOut: leave });
  const texts: string[] = [];
  for await (const { bytes } of sampleStream(units, { onUnreadable: leave, retries: { soon: QUICK, later: QUICK } })) {
    texts.push(Buffer.from(bytes).toString());
  }
  return { texts, left };
}

describe('a bad record costs only that record', () => {
  test('JSON Lines: NaN is read as null, a line that does not parse is left out by name', async () => {
    const lines = ['{"text":"a","n":NaN}', '{"text":"b \\" NaN","n":-Infinity}', '{"text":', '{"text":"d"}'];
    await writeFile(join(dir, 'a.jsonl'), lines.join('\n'));
    const { texts, left } = await read('a.jsonl');
    expect(texts).toEqual(['a', 'b " NaN', 'd']);
    expect(left).toEqual([expect.stringContaining('a.jsonl#3')]);
  });

  test('many bad lines are named five times and then counted', async () => {
    await writeFile(join(dir, 'a.jsonl'), `${'{\n'.repeat(100)}{"text":"good"}\n`);
    const { texts, left } = await read('a.jsonl');
    expect(texts).toEqual(['good']);
    expect(left).toHaveLength(6);
    expect(left[5]).toContain('95 more records after a.jsonl#5');
  });

  test('zip: a damaged member is skipped, those after it are read', async () => {
    const files = { 'a.txt': Buffer.from('first '.repeat(50)), 'b.txt': Buffer.from('second '.repeat(50)) };
    const bytes = Buffer.from(zipSync(files));
    // The first member's compressed data begins after its header of 30 bytes and its name.
    bytes.fill(0xff, 35, 45);
    await writeFile(join(dir, 'a.zip'), bytes);
    const { texts, left } = await read('a.zip');
    expect(texts).toEqual(['second '.repeat(50)]);
    expect(left).toEqual([expect.stringContaining('a.zip!a.txt')]);
  });

  test('zip: a member is read whatever path its name spells', async () => {
    const names = ['../up.txt', '/root.txt', 'C:\\drive.txt', 'in\\side.txt', 'last.txt'];
    await writeFile(join(dir, 'a.zip'), zipSync(Object.fromEntries(names.map((name) => [name, Buffer.from(name)]))));
    const { texts, left } = await read('a.zip');
    expect({ texts, left }).toEqual({ texts: names, left: [] });
  });

  test('lines that are arrays are reported as not objects', async () => {
    await writeFile(join(dir, 'a.jsonl'), '[{"text":"one"},{"text":"two"}]\n');
    expect((await read('a.jsonl')).left).toEqual([expect.stringContaining('its lines are not objects')]);
  });

  test('Parquet that a decoder would never finish is skipped, and later files are read', async () => {
    // A field that tells nothing any more: its length is undefined, and the same byte is read for ever.
    await writeFile(join(dir, 'a.parquet'), Buffer.from(PARQUET).fill(0, 11, 12));
    await writeFile(join(dir, 'b.parquet'), PARQUET);
    const { left } = await readWith({ field: 'blob_id', maxDecodeMs: 1_000 }, 'a.parquet');
    expect(left).toEqual([expect.stringContaining('takes over 1 s to decode')]);
    const { texts } = await readWith({ field: 'blob_id' }, 'b.parquet');
    expect(texts).toHaveLength(10);
  });

  test('a file in which no record holds text is named with its fields', async () => {
    await writeFile(join(dir, 'qa.jsonl'), '{"question":"q","answer":"a"}\n');
    expect((await read('qa.jsonl')).left).toEqual([expect.stringContaining('its fields are question, answer')]);
  });
});

test('text in messages, lists and records is found', () => {
  const messages = [
    { role: 'user', content: 'hello' },
    { role: 'assistant', content: [{ type: 'text', text: 'world' }, { type: 'image_url' }] },
  ];
  expect(textOf({ messages }, undefined)).toBe('hello\nworld');
  expect(textOf({ text: { en: 'yes', de: 'ja' } }, undefined)).toBe('yes\nja');
  expect(textOf({ text: '', content: ['a', 'b'] }, undefined)).toBe('a\nb');
  expect(textOf({ id: 4 }, undefined)).toBeUndefined();
});

describe('bytes that are not what they seem', () => {
  test.each([
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
    ['7-Zip', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ])('%s is refused by its magic, whatever the name', async (name, magic) => {
    await writeFile(join(dir, 'a.txt'), Buffer.concat([Buffer.from(magic), Buffer.alloc(2000, 7)]));
    await writeFile(join(dir, 'b.txt'), 'BZhello is text');
    const { texts, left } = await read('.');
    expect(texts).toEqual(['BZhello is text']);
    expect(left).toEqual([expect.stringContaining(`compressed with ${name}`)]);
  });

  test('gzip is undone whatever the name, but not for ever', async () => {
    await writeFile(join(dir, 'a.txt'), gzipSync('inside'));
    let deep = Buffer.from('too deep');
    for (let i = 0; i < 6; i++) deep = gzipSync(deep);
    await writeFile(join(dir, 'b.txt'), deep);
    const { texts, left } = await read('.');
    expect(texts).toEqual(['inside']);
    expect(left).toEqual([expect.stringContaining('layers of compression')]);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('Content-Encoding %s is undone; an unknown one is refused', async (encoding, compress) => {
    const server = await listen((request, response) => {
      const known = request.url !== '/odd.txt';
      response.writeHead(200, { 'content-encoding': known ? encoding : 'rot13' }).end(compress('words of a page'));
    });
    const { texts, left } = await read(`${server.url}/a.txt`, `${server.url}/odd.txt`);
    await server.close();
    expect(texts).toEqual(['words of a page']);
    expect(left).toEqual([expect.stringContaining('rot13')]);
  });

  test('an answer without a file is reported: 204, 304, a redirect to nowhere', async () => {
    const statuses = ['204', '302', '304'];
    const server = await listen((request, response) => response.writeHead(Number(request.url?.slice(1, 4))).end());
    const { texts, left } = await read(...statuses.map((status) => `${server.url}/${status}.txt`));
    await server.close();
    expect(texts).toEqual([]);
    for (const status of statuses) expect(left).toContainEqual(expect.stringContaining(`HTTP ${status} instead`));
  });

  test('a pointer of Git LFS is not taken for the file that it stands for', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
    await writeFile(join(dir, 'book.txt'), pointer);
    await writeFile(join(dir, 'good.txt'), 'version of a book');
    const { texts, left } = await read('book.txt', 'good.txt');
    expect(texts).toEqual(['version of a book']);
    expect(left).toEqual([expect.stringContaining('Git LFS pointer')]);
  });

  test('a login page in place of a file is refused; a web page is read', async () => {
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><p>please log in</p>');
    });
    const { texts, left } = await read(`${server.url}/data.txt`, `${server.url}/page`);
    await server.close();
    expect(texts).toHaveLength(1);
    expect(left).toEqual([expect.stringContaining('HTML page')]);
  });

  test('a link that refuses HEAD is read by ranges', async () => {
    const methods: string[] = [];
    const server = await listen((request, response) => {
      methods.push(request.method ?? '');
      if (request.method === 'HEAD') return void response.writeHead(403).end();
      response.writeHead(206, { 'content-range': 'bytes 0-0/4' }).end('P');
    });
    const { left } = await read(`${server.url}/a.parquet`);
    await server.close();
    expect(methods).not.toContain('HEAD');
    expect(left).toHaveLength(1);
  });
});

describe('lists', () => {
  test('links to a directory itself and to a file are visited once', async () => {
    await writeFile(join(dir, 'x.txt'), 'once');
    for (const name of ['a', 'b']) await symlink('.', join(dir, name));
    await symlink('x.txt', join(dir, 'y.txt'));
    expect((await read('.')).texts).toEqual(['once']);
    expect((await read('**/*.txt')).texts).toEqual(['once']);
  });

  test('a link that leads nowhere is left out by name', async () => {
    await writeFile(join(dir, 'x.txt'), 'good');
    await symlink('nowhere', join(dir, 'z.txt'));
    const { texts, left } = await read('.');
    expect([texts, left]).toEqual([['good'], [expect.stringContaining('z.txt')]]);
  });

  test.skipIf(process.getuid?.() === 0)('a directory that cannot be read is left out by name', async () => {
    await writeFile(join(dir, 'x.txt'), 'good');
    await mkdir(join(dir, 'lost'));
    await chmod(join(dir, 'lost'), 0);
    const { texts, left } = await read('.');
    await chmod(join(dir, 'lost'), 0o700);
    expect([texts, left]).toEqual([['good'], [expect.stringContaining('lost')]]);
  });

  test('ignore files below and above each other hold, and paths are in order', async () => {
    await mkdir(join(dir, 'a', 'deep'), { recursive: true });
    await writeFile(join(dir, '.gitignore'), '*.log\n');
    await writeFile(join(dir, 'a', '.gitignore'), '!keep.log\n/secret\n');
    for (const path of ['b.log', 'a-b.txt', 'a/keep.log', 'a/secret', 'a/deep/z.txt']) {
      await writeFile(join(dir, path), path);
    }
    expect((await read('.')).texts).toEqual(['a-b.txt', 'a/deep/z.txt', 'a/keep.log']);
  });

  test('200,000 URLs are taken; a line that is none is left out', async () => {
    const urls = Array.from({ length: 200_000 }, (_, i) => `http://127.0.0.1:1/${i}`);
    await writeFile(join(dir, 'list'), `${urls.join('\n')}\nnot a URL\n`);
    const left: string[] = [];
    const deps = { http, onLeftOut: (name: string): void => void left.push(name) };
    expect(await resolveSources([`urls:${join(dir, 'list')}`], { cwd: dir }, deps)).toHaveLength(200_000);
    expect(left).toEqual([`${join(dir, 'list')}, line 200001`]);
  });

  test('no list is spread into the arguments of push', async () => {
    const src = join(import.meta.dirname, '../../src');
    const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'));
    const texts = await Promise.all(files.map(async (name) => [name, await readFile(join(src, name), 'utf8')]));
    expect(texts.filter(([, text]) => /\.push\(\.\.\./.test(text ?? '')).map(([name]) => name)).toEqual([]);
  });
});

test('lines: UTF-16 is read, a line that is too long is told as absent', async () => {
  const lines = async (...pieces: Uint8Array[]): Promise<(string | undefined)[]> => {
    const found: (string | undefined)[] = [];
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield* pieces;
    };
    for await (const line of splitLines(stream())) found.push(line);
    return found;
  };
  expect(await lines(Buffer.from('\ufeffone\r\ntwo', 'utf16le'))).toEqual(['one', 'two']);
  const long = Buffer.alloc(33 * 2 ** 20, 'x');
  expect(await lines(long, long, Buffer.from('\nnext\n'))).toEqual([undefined, 'next']);
});
