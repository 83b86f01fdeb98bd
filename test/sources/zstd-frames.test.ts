import { expect, test } from 'vitest';
import { unzstd } from '../../src/sources/compression.js';
import { ZstdFrames } from '../../src/sources/zstd-frames.js';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** A block of bytes as they are. */
const raw = (text: string, isLast = false): Buffer => block(text.length, 0, isLast, Buffer.from(text));
const block = (size: number, type: number, isLast: boolean, content: Buffer): Buffer => {
  const header = Buffer.alloc(3);
  header.writeUIntLE(size * 8 + type * 2 + Number(isLast), 0, 3);
  return Buffer.concat([header, content]);
};
/** A frame with a window of 2^log bytes. */
const frame = (log: number, ...blocks: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([...MAGIC, 0, (log - 10) << 3]), ...blocks]);
const skippable = Buffer.from([0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

async function undone(bytes: Uint8Array, step: number): Promise<string> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  }
  const out: Uint8Array[] = [];
  for await (const piece of unzstd('a.zst', pieces())) out.push(piece);
  return Buffer.concat(out).toString();
}

test('frames of all kinds are read in pieces of any length', async () => {
  const run = block(40, 1, false, Buffer.from('r'));
  const withChecksum = Buffer.concat([Buffer.from([...MAGIC, 0x24, 3]), raw('abc', true), Buffer.alloc(4)]);
  const file = Buffer.concat([
    frame(20, raw('one '), run, raw(''), raw(' two', true)),
    skippable,
    withChecksum,
    frame(10, raw('last', true)),
  ]);
  for (const step of [1, 2, 7, file.length]) expect(await undone(file, step)).toBe(`one ${'r'.repeat(40)} twoabclast`);
});

test('a frame that refers back further than zstd reads unasked is refused before memory is taken', async () => {
  const large = (descriptor: number, ...rest: number[]) =>
    Buffer.from([...MAGIC, descriptor, ...rest, ...raw('x', true)]);
  const wanting = [large(0, (28 - 10) << 3), large(0xa0, 1, 0, 0, 0x10), large(0xe0, 0, 0, 0, 0, 0, 1, 0, 0)];
  expect(await undone(frame(27, raw('x', true)), 99)).toBe('x');
  for (const file of wanting) {
    await expect(undone(Buffer.concat([frame(10, raw('before', true)), file]), 5)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      hint: expect.stringContaining('--long'),
    });
  }
});

test('a window that is moved for every byte that comes out is moved so often only', () => {
  const cut = (log: number, size: number): number => {
    let produced = 0;
    const frames = new ZstdFrames('a.zst');
    const one = raw('x'.repeat(size));
    for (const piece of [frame(log), ...Array<Buffer>(20_000).fill(one)])
      for (const _block of frames.blocks(piece, () => produced)) produced += size;
    return produced;
  };
  expect(() => cut(27, 1)).toThrow('too small for its window');
  expect(cut(23, 100)).toBeGreaterThan(20_000 * 99);
});
