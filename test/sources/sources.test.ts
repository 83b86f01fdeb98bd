import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import { entropyBits } from '../../src/sources/cut.js';
import { createCutStats, resolveSources, type SampleStreamOptions, sampleStream } from '../../src/sources/index.js';
import { listen } from '../loopback-server.js';

let dir: string;
const http = new HttpClient();
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-sources-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function samples(specs: string[], options: SampleStreamOptions & { field?: string; textOnly?: boolean } = {}) {
  const units = await resolveSources(specs, { cwd: dir, ...options }, { http });
  const all: { origin: string; text: string; unit: number }[] = [];
  for await (const { origin, bytes, unit } of sampleStream(units, options)) {
    all.push({ origin, text: Buffer.from(bytes).toString(), unit });
  }
  return all;
}
async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name }, text);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('cutting', () => {
  test('cuts at exact multiples and leaves the short tail out', async () => {
    await writeFile(join(dir, 'a.txt'), 'x'.repeat(2500));
    const stats = createCutStats();
    expect((await samples(['a.txt'], { stats })).map(({ text, origin }) => [text.length, origin])).toEqual([
      [1024, 'a.txt'],
      [1024, 'a.txt@1024'],
    ]);
    expect(stats).toMatchObject({ samples: 2, tooShort: 1 });
  });

  test('keeps a document that is smaller than one sample', async () => {
    await writeFile(join(dir, 'a.txt'), 'small');
    expect(await samples(['a.txt'])).toMatchObject([{ text: 'small' }]);
  });

  test('takes whole files, but none over the protocol limit', async () => {
    await writeFile(join(dir, 'a.bin'), Buffer.alloc(1_048_576, 1));
    await writeFile(join(dir, 'b.bin'), Buffer.alloc(1_048_577, 1));
    const stats = createCutStats();
    expect((await samples(['.'], { wholeFiles: true, stats })).map((s) => s.origin)).toEqual(['a.bin']);
    expect(stats.tooLarge).toBe(1);
  });

  test('does not split UTF-8 characters when asked', async () => {
    await writeFile(join(dir, 'a.txt'), '€'.repeat(100));
    const cut = await samples(['a.txt'], { sampleBytes: 10, utf8Boundaries: true });
    expect(cut.map((s) => s.text)).toEqual(Array.from({ length: 33 }, () => '€€€'));
    expect((await samples(['a.txt'], { sampleBytes: 10 }))[0]?.text).toContain('�');
  });

  test('leaves out samples of low entropy', async () => {
    await writeFile(join(dir, 'a.bin'), Buffer.concat([Buffer.alloc(1024), randomBytes(1024)]));
    expect((await samples(['a.bin'], { minEntropyBits: 4 })).map((s) => s.origin)).toEqual(['a.bin@1024']);
    expect(entropyBits(Uint8Array.from({ length: 256 }, (_, i) => i))).toBe(8);
  });
});

describe('formats', () => {
  test('directories respect ignore files', async () => {
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, '.gitignore'), 'secret.txt\n');
    await writeFile(join(dir, 'secret.txt'), 'no');
    await writeFile(join(dir, 'sub', 'b.txt'), 'yes');
    expect((await samples(['.'])).map((s) => s.origin)).toEqual(['sub/b.txt']);
  });

  test('tar, tar.gz, zip and gz are looked into', async () => {
    const files = { 'one.txt': 'first', 'two.txt': 'second' };
    await writeFile(join(dir, 'a.tar'), await tarOf(files));
    await writeFile(join(dir, 'a.tar.gz'), gzipSync(await tarOf(files)));
    await writeFile(join(dir, 'a.zip'), zipSync({ 'one.txt': Buffer.from('first'), 'two.txt': Buffer.from('second') }));
    await writeFile(join(dir, 'a.txt.gz'), gzipSync('first'));
    for (const name of ['a.tar', 'a.tar.gz', 'a.zip']) {
      expect((await samples([name])).map((s) => [s.origin, s.text])).toEqual([
        [`${name}!one.txt`, 'first'],
        [`${name}!two.txt`, 'second'],
      ]);
    }
    expect(await samples(['a.txt.gz'])).toMatchObject([{ text: 'first' }]);
  });

  test('JSON Lines by field', async () => {
    await writeFile(join(dir, 'a.jsonl'), '{"text":"one","code":"x"}\n\n{"other":1}\n{"code":"two"}\n');
    expect((await samples(['a.jsonl'])).map((s) => [s.origin, s.text])).toEqual([
      ['a.jsonl#1', 'one'],
      ['a.jsonl#4', 'two'],
    ]);
    expect((await samples(['a.jsonl'], { field: 'code' })).map((s) => s.text)).toEqual(['x', 'two']);
  });

  test.each([
    ['a.tar', 'not a tar archive at all'],
    ['a.gz', 'plain'],
    ['a.zst', 'plain text, no frame'],
    ['a.zip', 'plain'],
    ['a.parquet', 'plain text, no parquet'],
    ['a.jsonl', '{"text": "cut'],
  ])('a damaged %s is a typed error, and can be left out', async (name, content) => {
    await writeFile(join(dir, name), content);
    await writeFile(join(dir, 'b.txt'), 'good');
    await expect(samples([name])).rejects.toMatchObject({ code: 'DATA_INVALID' });
    const unreadable: string[] = [];
    const rest = await samples([name, 'b.txt'], { onUnreadable: (unit) => unreadable.push(unit) });
    expect([unreadable, rest.map((s) => s.text)]).toEqual([[name], ['good']]);
  });

  test('a tar archive that ends within a member is a typed error for the reader of that member', async () => {
    const whole = await tarOf({ 'a.txt': 'x'.repeat(3_000) });
    await writeFile(join(dir, 'cut.tar'), whole.subarray(0, 1_024));
    await expect(samples(['cut.tar'])).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  test('URLs, lists of URLs and Hugging Face datasets', async () => {
    const seen: string[] = [];
    const server = await listen((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ''}`);
      if (request.url?.startsWith('/api/datasets/o/n/parquet')) {
        return void response.end(JSON.stringify({ default: { train: [`${server.url}/f.jsonl`] } }));
      }
      response.end('{"text":"hello"}\n');
    });
    await writeFile(join(dir, 'list'), `# comment\n${server.url}/x.txt\n`);
    expect((await samples([`${server.url}/a.jsonl?token=s`])).map((s) => s.origin)).toEqual([
      `${server.url}/a.jsonl#1`,
    ]);
    expect(await samples([`urls:${join(dir, 'list')}`])).toHaveLength(1);
    const units = await resolveSources(['hf:o/n'], { cwd: dir, hubUrl: server.url, hfToken: 'hf_x' }, { http });
    expect(units.map((unit) => unit.name)).toEqual([`${server.url}/f.jsonl`]);
    expect(seen.at(-1)).toBe('/api/datasets/o/n/parquet Bearer hf_x');
    await server.close();
  });
});

describe('order', () => {
  test('a seed shuffles the files the same way every time, and reading can go on where it stopped', async () => {
    for (let i = 0; i < 20; i++) await writeFile(join(dir, `${i}.txt`), `file ${i}`);
    const all = (await samples(['.'], { seed: 7 })).map((s) => s.text);
    expect(await samples(['.'], { seed: 7 }).then((s) => s.map((x) => x.text))).toEqual(all);
    expect((await samples(['.'], { seed: 8 })).map((s) => s.text)).not.toEqual(all);
    expect((await samples(['.'], { seed: 7, skipUnits: 5 })).map((s) => s.text)).toEqual(all.slice(5));
    expect(
      createHash('sha256')
        .update([...all].sort().join())
        .digest('hex'),
    ).toBe(
      createHash('sha256')
        .update(
          Array.from({ length: 20 }, (_, i) => `file ${i}`)
            .sort()
            .join(),
        )
        .digest('hex'),
    );
  });

  test('a path that does not exist is an error', async () => {
    await expect(samples(['missing.txt'])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(samples(['*.nothing'])).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
