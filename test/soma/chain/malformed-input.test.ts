import { readFileSync } from 'node:fs';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import {
  BcsReader,
  BcsWriter,
  decodeBcs,
  map,
  string,
  struct,
  u8,
  u64,
  vector,
} from '../../../src/soma/chain/bcs/index.js';
import {
  combineMultisig,
  decodeCheckpointContents,
  decodeCheckpointSummary,
  decodeCoin,
  decodeEffects,
  decodeObject,
  decodeSignedTransaction,
  decodeStakedSoma,
  decodeTarget,
  decodeTransactionData,
  decodeUserSignature,
  encodeObject,
  encodeTarget,
  encodeTransactionData,
  encodeUserSignature,
  Keypair,
  scalarTensor,
  vectorTensor,
} from '../../../src/soma/chain/index.js';
import { kinds, object, transactionOf } from './arbitraries.js';

const chain = JSON.parse(readFileSync(new URL('../../vectors/soma-chain.json', import.meta.url), 'utf8'));
const sdk = JSON.parse(readFileSync(new URL('../../vectors/soma-sdk-chain.json', import.meta.url), 'utf8'));

const decoders: Record<string, (bytes: Uint8Array) => unknown> = {
  decodeTransactionData,
  decodeSignedTransaction,
  decodeUserSignature,
  decodeObject,
  decodeCoin,
  decodeStakedSoma,
  decodeTarget,
  decodeEffects,
  decodeCheckpointSummary,
  decodeCheckpointContents,
};

/** Runs a decoder; anything but a value or BCS_INVALID fails the test. */
function outcome(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): 'value' | 'refused' {
  try {
    decode(bytes);
    return 'value';
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'BCS_INVALID') return 'refused';
    throw error;
  }
}

const keypair = Keypair.fromText(chain.secretHex);
const target = encodeTarget({
  embedding: vectorTensor(new Float32Array(64)),
  modelIds: ['0x1', '0x2'],
  distanceThreshold: scalarTensor(1),
  rewardPool: 1n,
  generationEpoch: 1n,
  status: { kind: 'filled', fillEpoch: 3n },
  submitter: '0x5',
  bondAmount: 1n,
  winningDataManifest: { url: 'https://example.com/', checksum: new Uint8Array(32), size: 9n },
  winningEmbedding: vectorTensor([1, 2, 3]),
  submissionReports: ['0x7', '0x8'],
});
const multisig = encodeUserSignature(
  combineMultisig(
    { members: [{ publicKey: keypair.publicKey, weight: 1 }], threshold: 1 },
    new Map([[0, new Uint8Array(64)]]),
  ),
);
const seeds: readonly Uint8Array[] = [
  ...sdk.transactions.map((each: { bcsHex: string }) => hexToBytes(each.bcsHex)),
  ...sdk.transactions.slice(-6).map((each: { signedHex: string }) => hexToBytes(each.signedHex)),
  hexToBytes(chain.coinObject.bcsHex),
  target,
  multisig,
  keypair.signTransaction(new Uint8Array(4)),
];

/** Valid bytes with a few of them changed, cut, doubled or replaced by lengths that promise too much. */
const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        action: fc.constantFrom('flip', 'set', 'cut', 'insert', 'huge'),
        byte: fc.integer({ min: 0, max: 255 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([seed, edits]) => {
    let bytes: Uint8Array = seed.slice();
    for (const { at, action, byte } of edits) {
      const index = Math.floor(at * bytes.length);
      if (action === 'flip' && bytes.length > 0) bytes[index]! ^= 1 << (byte % 8);
      if (action === 'set' && bytes.length > 0) bytes[index] = byte;
      if (action === 'cut') bytes = bytes.slice(0, index);
      if (action === 'insert') bytes = Uint8Array.of(...bytes.slice(0, index), byte, ...bytes.slice(index));
      if (action === 'huge') bytes.set([0xff, 0xff, 0xff, 0xff, 0x07].slice(0, bytes.length - index), index);
    }
    return bytes;
  });

describe.each(Object.entries(decoders))('%s', (_, decode) => {
  it('decodes mutated bytes or throws BCS_INVALID', () => {
    let refused = 0;
    fc.assert(
      fc.property(mutated, (bytes) => {
        if (outcome(decode, bytes) === 'refused') refused++;
      }),
      { numRuns: 1500, seed: 9 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('decodes random bytes or throws BCS_INVALID', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void outcome(decode, bytes)),
      { numRuns: 500, seed: 10 },
    );
  });
});

describe('every prefix and every extension is refused', () => {
  it('of transactions', () => {
    for (const kind of kinds) {
      const [data] = fc.sample(transactionOf(kind), { seed: 11, numRuns: 1 });
      const bytes = encodeTransactionData(data!);
      for (let length = 0; length < bytes.length; length += 1 + Math.floor(length / 16)) {
        expect(outcome(decodeTransactionData, bytes.subarray(0, length))).toBe('refused');
      }
      expect(outcome(decodeTransactionData, Uint8Array.of(...bytes, 0))).toBe('refused');
    }
  });
  it('of objects', () => {
    const [value] = fc.sample(object, { seed: 11, numRuns: 1 });
    const bytes = encodeObject(value!);
    for (let length = 0; length < bytes.length; length++) {
      expect(outcome(decodeObject, bytes.subarray(0, length))).toBe('refused');
    }
  });
});

describe('the reader', () => {
  const read = (bytes: number[], use: (reader: BcsReader) => unknown) =>
    use(new BcsReader(Uint8Array.from(bytes), 'test'));

  it.each([
    [[0x80, 0x00]],
    [[0xff, 0x00]],
    [[0x80, 0x80, 0x80, 0x80, 0x08]],
    [[0xff, 0xff, 0xff, 0xff, 0x0f]],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    [[0x80]],
  ])('refuses the length %j', (bytes) => {
    expect(() => read(bytes, (reader) => reader.uleb128())).toThrow(expect.objectContaining({ code: 'BCS_INVALID' }));
  });

  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1])('keeps the length %i', (value) => {
    const writer = new BcsWriter(1);
    writer.uleb128(value);
    expect(read([...writer.finish()], (reader) => reader.uleb128())).toBe(value);
  });

  it('does not allocate what a length merely claims', () => {
    // 2^31 - 1 items in 5 bytes; an implementation that believed it would run out of memory.
    const promise = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07);
    for (const codec of [vector(u64), vector(u8), vector(struct<{ a: bigint }>({ a: u64 })), map(u8, u8), string]) {
      expect(() => decodeBcs<unknown>(codec as never, promise, 'test')).toThrow(
        expect.objectContaining({ code: 'BCS_INVALID' }),
      );
    }
  });

  it('refuses strings that are not UTF-8 and bools that are neither', () => {
    expect(() => read([2, 0xc3, 0x28], (reader) => reader.string())).toThrow(
      expect.objectContaining({ code: 'BCS_INVALID' }),
    );
    expect(read([3, 0xef, 0xbb, 0xbf], (reader) => reader.string())).toBe('\ufeff');
    expect(() => read([2], (reader) => reader.bool())).toThrow(expect.objectContaining({ code: 'BCS_INVALID' }));
  });

  it('orders maps by the bytes of their keys', () => {
    const codec = map(u64, u8);
    const writer = new BcsWriter();
    codec.write(
      writer,
      new Map([
        [1n, 1],
        [256n, 2],
      ]),
    );
    // 256 is 00 01 and 1 is 01 00 in little-endian, so 256 comes first.
    const bytes = writer.finish();
    expect([...bytes]).toEqual([2, 0, 1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect([...decodeBcs(codec, bytes, 'test').keys()]).toEqual([256n, 1n]);
  });
});

describe('the writer', () => {
  it.each<[string, (writer: BcsWriter) => void]>([
    ['a negative u64', (writer) => writer.u64(-1n)],
    ['a u64 beyond 64 bits', (writer) => writer.u64(2n ** 64n)],
    ['a number as u64', (writer) => writer.u64(1 as unknown as bigint)],
    ['a u8 of 256', (writer) => writer.u8(256)],
    ['a fraction', (writer) => writer.u32(1.5)],
    ['not a number', (writer) => writer.u16(Number.NaN)],
  ])('refuses %s', (_, write) => {
    expect(() => write(new BcsWriter())).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
