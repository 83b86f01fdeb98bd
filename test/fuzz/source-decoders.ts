import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { pack } from 'tar-stream';
import { documentsOf } from '../../src/sources/decode.js';
import { PARQUET } from '../sources/parquet-rows.js';
import { tarLies, zipLies } from './archive-lies.js';
import type { Decoder } from './decoder.js';
import { drain } from './drain.js';
import { jsonLies } from './json-lies.js';
import { decodeInFile } from './on-disk.js';
import { parquetLies } from './parquet-lies.js';

const RECORDS = Buffer.from(
  ['{"text":"a","n":NaN}', '{"messages":[{"role":"user","content":"hi"}]}', '{"text":null}', '[1]', ''].join('\n'),
);
const record = fc.oneof(
  jsonLies({ text: 'a', n: 1 }),
  jsonLies({ messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] }),
  fc.constantFrom('', '{"text":"a"}', '\ufeff{"text":"a"}', '{"text":"a"}\r'),
);
/** Lines that are records for the most part, ended in all ways. */
const records: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(record, { minLength: 1, maxLength: 6 }), fc.constantFrom('\n', '\r\n', '\n\n', ','))
  .map(([lines, end]) => Buffer.from(lines.join(end)));
const zipped = (inner: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  // Members of a stream follow each other.
  fc
    .array(inner, { minLength: 1, maxLength: 2 })
    .map((members) => Buffer.concat(members.map((each) => gzipSync(each))));

/** "hello, hello, …" of 300 bytes, compressed at level 3. */
const ZST = Buffer.from('KLUv/QRYdQAAOGhlbGxvLCABACNSixGQeL0q', 'base64');
/** Frames as they may be, with headers that claim other windows and sizes. */
const frames = fc
  .array(
    fc
      .tuple(fc.nat(255), fc.uint8Array({ minLength: 1, maxLength: 14 }), fc.boolean())
      .map(([descriptor, rest, isWhole]) =>
        Buffer.concat([ZST.subarray(0, 4), Buffer.of(descriptor), rest, isWhole ? ZST.subarray(6) : Buffer.alloc(0)]),
      ),
    { minLength: 1, maxLength: 3 },
  )
  .map((list): Uint8Array => Buffer.concat(list));

/** What samples come in. */
export async function sourceDecoders(): Promise<Decoder[]> {
  const tar = await tarSeed();
  const named = (file: string, seed: Uint8Array, lies: fc.Arbitrary<Uint8Array>): Decoder => ({
    name: file.slice(file.indexOf('.') + 1),
    seeds: [seed],
    lies,
    decode: decodeNamed(file),
  });
  return [
    named('a.jsonl', RECORDS, records),
    named('a.jsonl.gz', gzipSync(RECORDS), zipped(records)),
    named('a.tar', tar, tarLies),
    named('a.tar.gz', gzipSync(tar), zipped(tarLies)),
    named('a.txt.zst', ZST, frames),
    {
      name: 'zip',
      seeds: [zipSync({ 'a.txt': Buffer.from('first '.repeat(50)), 'b/c.txt': RECORDS })],
      lies: zipLies,
      decode: (bytes) => decodeInFile('a.zip', bytes),
    },
    { name: 'parquet', seeds: [PARQUET], lies: parquetLies(PARQUET), decode: decodeParquet },
  ];
}

/** Reads a stream to its end, as the file of that name. */
function decodeNamed(name: string): (bytes: Uint8Array) => Promise<void> {
  return async (bytes) => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    await drain(documentsOf({ name, pieces }, {}));
  };
}

async function decodeParquet(bytes: Uint8Array): Promise<void> {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {};
  const randomAccess = async () => ({
    sizeBytes: bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, end),
  });
  await drain(documentsOf({ name: 'a.parquet', pieces, randomAccess }, { field: 'path', maxDecodeMs: 2_000 }));
}

async function tarSeed(): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name: 'a.txt' }, 'first '.repeat(100));
  archive.entry({ name: 'b/c.txt' }, 'second');
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}
