import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpClient } from '../../src/net/index.js';
import { resolveSources, sampleStream } from '../../src/sources/index.js';
import { parseLinkedContents, STACK_V2 } from '../../src/sources/url-template.js';
import { listen } from '../loopback-server.js';
import { PARQUET } from './parquet-rows.js';

const CONTENTS: Readonly<Record<string, Buffer>> = {
  one: gzipSync('print(1)\n'),
  two: Buffer.from('not packed'),
  latin: gzipSync(Buffer.from('caf\u00e9', 'latin1')),
  large: gzipSync('never fetched'),
  huge: gzipSync(Buffer.alloc(5001, 'x')),
  bomb: gzipSync(Buffer.alloc(50_000_000)),
  utf16: gzipSync(Buffer.from('wide', 'utf16le')),
  odd: gzipSync('qapla'),
  last: gzipSync('end'),
};

const http = new HttpClient({ retry: { attempts: 1 } });
let asked: string[];
let down: ReadonlySet<string>;
let server: Awaited<ReturnType<typeof listen>>;
beforeEach(async () => {
  asked = [];
  down = new Set();
  server = await listen((request, response) => {
    const { url = '' } = request;
    const { authorization, range } = request.headers;
    if (url.startsWith('/api/datasets/')) {
      asked.push(`${url} ${authorization ?? ''}`);
      return void response.end(JSON.stringify({ default: { train: [`${server.url}/train/0.parquet`] } }));
    }
    if (url === '/train/0.parquet') {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
      const part = PARQUET.subarray(Number(from), Number(to) + 1);
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${PARQUET.length}` });
      return void response.end(part);
    }
    const id = url.replace('/content/', '');
    asked.push(`${id} ${authorization ?? ''}`);
    const bytes = CONTENTS[id];
    response.statusCode = down.has(id) ? 503 : bytes === undefined ? 404 : 200;
    response.end(bytes);
  });
});
afterEach(() => server.close());

async function read(spec: string) {
  const left: string[] = [];
  const leave = (name: string, error: Error): void => void left.push(`${name} ${error.message}`);
  const options = { cwd: '.', hubUrl: server.url, hfToken: 'hf_x' };
  const units = await resolveSources([spec], options, { http, onLeftOut: leave });
  const once = { attempts: 1, backoff: { baseMs: 1, maxMs: 1 } };
  const texts: string[] = [];
  for await (const { bytes } of sampleStream(units, { onUnreadable: leave, retries: { soon: once, later: once } })) {
    texts.push(Buffer.from(bytes).toString());
  }
  return { texts, left };
}

const template = (): string => STACK_V2.replace('https://softwareheritage.s3.amazonaws.com', server.url);

describe('a dataset whose rows name contents that lie elsewhere', () => {
  test('is read row by row, each unpacked and decoded, none larger than asked for', async () => {
    const { texts, left } = await read(`hf:${template()}`);
    expect(texts).toEqual(['print(1)\n', 'not packed', 'caf\u00e9', 'wide', 'end']);
    // What the dataset says is too large is not asked for; the token goes to the hub alone.
    expect(asked[0]).toBe('/api/datasets/bigcode/the-stack-v2-dedup/parquet Bearer hf_x');
    expect(asked.slice(1).sort()).toEqual([
      'bomb ',
      'gone ',
      'huge ',
      'last ',
      'latin ',
      'odd ',
      'one ',
      'two ',
      'utf16 ',
    ]);
    expect(left).toEqual([
      expect.stringMatching(/parquet#5 .*404/),
      expect.stringMatching(/parquet#8 .*cannot be decoded as klingon/),
    ]);
  });

  test('loses only a content that cannot be fetched, not those after it', async () => {
    down = new Set(['one', 'utf16']);
    const { texts, left } = await read(`hf:${template()}`);
    expect(texts).toEqual(['not packed', 'caf\u00e9', 'end']);
    expect(left.filter((line) => line.includes('503'))).toHaveLength(2);
  });

  test('keeps the query of an address, which may hold a credential, out of what is told', async () => {
    const template = `${server.url}/content/{blob_id}?key=secret`;
    const spec = `hf:o/n?url=${encodeURIComponent(template)}&encoding=src_encoding`;
    const { left } = await read(spec);
    expect(left.length).toBeGreaterThan(0);
    expect(left.join()).not.toContain('secret');
    const [unit] = await resolveSources([spec], { cwd: '.', hubUrl: server.url }, { http });
    expect(unit?.name).toMatch(/with .*\?…$/);
  });

  test('must have the columns that are named', async () => {
    const { texts, left } = await read(`hf:o/n?url=${server.url}/content/{nothing}`);
    expect(texts).toEqual([]);
    expect(left[0]).toContain('has no column "nothing"; its columns are blob_id, src_encoding, length_bytes, path');
  });
});

test('stack-v2 stands for the dataset of that name, read as the quickstart reads it', async () => {
  const options = { cwd: '.', hubUrl: server.url };
  const [unit] = await resolveSources(['stack-v2'], options, { http });
  expect(unit?.name).toBe(
    `${server.url}/train/0.parquet with https://softwareheritage.s3.amazonaws.com/content/%7Bblob_id%7D`,
  );
  expect(asked).toEqual(['/api/datasets/bigcode/the-stack-v2-dedup/parquet ']);
  expect(parseLinkedContents(STACK_V2)).toEqual([
    'bigcode/the-stack-v2-dedup',
    {
      url: 'https://softwareheritage.s3.amazonaws.com/content/{blob_id}',
      encodingColumn: 'src_encoding',
      sizeColumn: 'length_bytes',
      maxBytes: 5000,
    },
  ]);
});

test.each([
  ['o/n?url=https://{host}/x', /HOST/],
  ['o/n?url=file:///{x}', /HOST/],
  ['o/n?url=https://h/x', /contains no \{column\}/],
  ['o/n?url=https://h/{x}&max-bytes=0', /max-bytes/],
  ['o/n?link=https://h/{x}', /"link" is not known/],
])('%s is refused with the reason', (spec, reason) => {
  expect(() => parseLinkedContents(spec)).toThrowError(reason);
});
