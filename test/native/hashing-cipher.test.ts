import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { blake2b } from '@noble/hashes/blake2.js';
import { describe, expect, test } from 'vitest';
import { nativeCapabilities } from '../../src/native/capabilities.js';
import {
  createHashingCipher,
  type HashingCipher,
  nativeHashingCipher,
  portableHashingCipher,
} from '../../src/native/hashing-cipher.js';
import { ISA_LEVELS } from '../../src/native/isa-level.js';
import { createWeightsCipher } from '../../src/native/weights-cipher.js';

const key = Uint8Array.from({ length: 32 }, (_, i) => 255 - 7 * i);
const LONGEST = 5 * 65_536 + 200;
const plain = Uint8Array.from({ length: LONGEST }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);
/** By node:crypto and @noble/hashes: nothing of ours. */
const encrypted = new Uint8Array(createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(plain));
const digestOf = (size: number): string => hex(blake2b(encrypted.subarray(0, size), { dkLen: 32 }));
/** Made by the network's own code; see the file. */
const AES_GOLDEN = (
  JSON.parse(readFileSync(new URL('../vectors/soma-chain.json', import.meta.url), 'utf8')) as {
    aes: { keyHex: string; plaintext: string; ciphertextHex: string };
  }
).aes;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const available = nativeCapabilities();
const WAYS: [string, (key: Uint8Array) => HashingCipher | undefined][] = [
  ['portable', portableHashingCipher],
  ...ISA_LEVELS.map((isa): [string, (key: Uint8Array) => HashingCipher | undefined] => [
    `native ${isa}`,
    (bytes) => (available.available && available.usable.includes(isa) ? nativeHashingCipher(bytes, isa) : undefined),
  ]),
];

/** Runs pieces of the given lengths in turn, the last repeated to the end. */
function through(step: (piece: Uint8Array) => Uint8Array, bytes: Uint8Array, lengths: readonly number[]): Uint8Array {
  const out: Uint8Array[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const piece = bytes.subarray(at, at + lengths[Math.min(i, lengths.length - 1)]!);
    out.push(step(piece));
    at += piece.length;
  }
  return Buffer.concat(out);
}

describe.each(WAYS)('hashing cipher, %s', (_name, create) => {
  test('agrees with node:crypto and @noble/hashes for every length around a block', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    const sizes = [...Array(140).keys(), 255, 256, 257, 383, 384, 385, 511, 512, 513, 4095, 4096, 65_536, LONGEST];
    for (const size of sizes) {
      const decrypting = create(key)!;
      expect(hex(decrypting.decrypt(encrypted.subarray(0, size))), String(size)).toBe(hex(plain.subarray(0, size)));
      expect(hex(decrypting.digest()), String(size)).toBe(digestOf(size));
      const encrypting = create(key)!;
      expect(hex(encrypting.encrypt(plain.subarray(0, size))), String(size)).toBe(hex(encrypted.subarray(0, size)));
      expect(hex(encrypting.digest()), String(size)).toBe(digestOf(size));
    }
  });

  test('does not depend on where pieces end', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    const cuts = [
      [1],
      [15, 16, 17],
      [127],
      [128],
      [129],
      [1, 128, 127, 256, 1, 1, 1000],
      [0, 3, 0, 125, 0, 4096],
      [65_537],
    ];
    for (const lengths of cuts) {
      const size = lengths[0] === 1 && lengths.length === 1 ? 1000 : 200_001;
      const cipher = create(key)!;
      const got = through((piece) => cipher.decrypt(piece), encrypted.subarray(0, size), lengths);
      expect(Buffer.compare(got, plain.subarray(0, size)), lengths.join()).toBe(0);
      expect(hex(cipher.digest()), lengths.join()).toBe(digestOf(size));
    }
  });

  test('resumes after an interruption: what is there is encrypted again, the rest decrypted', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    for (const stop of [0, 1, 16, 100, 127, 128, 129, 4096, 99_999, LONGEST - 1, LONGEST]) {
      const cipher = create(key)!;
      const again = through((piece) => cipher.encrypt(piece), plain.subarray(0, stop), [50_000]);
      expect(Buffer.compare(again, encrypted.subarray(0, stop)), String(stop)).toBe(0);
      const rest = through((piece) => cipher.decrypt(piece), encrypted.subarray(stop), [1001]);
      expect(Buffer.compare(rest, plain.subarray(stop)), String(stop)).toBe(0);
      expect(hex(cipher.digest()), String(stop)).toBe(digestOf(LONGEST));
    }
  });

  test('reads unaligned bytes and leaves them as they are', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    for (const shift of [1, 3, 8, 31]) {
      const moved = new Uint8Array(5000 + shift);
      moved.set(encrypted.subarray(0, 5000), shift);
      expect(hex(create(key)!.decrypt(moved.subarray(shift)))).toBe(hex(plain.subarray(0, 5000)));
      expect(hex(moved.subarray(shift))).toBe(hex(encrypted.subarray(0, 5000)));
    }
  });

  test('writes into what it is given, the piece itself too', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    const piece = encrypted.slice(0, 1001);
    const cipher = create(key)!;
    expect(cipher.decrypt(piece, piece)).toBe(piece);
    expect(hex(piece)).toBe(hex(plain.subarray(0, 1001)));
    const to = new Uint8Array(500);
    expect(cipher.encrypt(plain.subarray(1001, 1501), to)).toBe(to);
    expect(hex(to)).toBe(hex(encrypted.subarray(1001, 1501)));
    expect(hex(cipher.digest())).toBe(digestOf(1501));
  });

  test('decrypts what the network encrypted', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    const golden = create(Buffer.from(AES_GOLDEN.keyHex, 'hex'))!;
    const text = golden.decrypt(Buffer.from(AES_GOLDEN.ciphertextHex, 'hex'));
    expect(new TextDecoder().decode(text)).toBe(AES_GOLDEN.plaintext);
  });

  test('refuses a key of another length', (context) => {
    if (create(key) === undefined) return context.skip('no AES instructions at this level here');
    expect(() => create(key.subarray(1))).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });
});

test('counters carry over bytes: the key stream at a far offset is the one of that offset', () => {
  // 256 and 65,536 AES blocks: the lowest and the second byte of the counter run over inside the file.
  const cipher = createHashingCipher(key);
  const stream = cipher.encrypt(new Uint8Array(65_537 * 16));
  for (const offset of [255 * 16, 256 * 16, 65_535 * 16, 65_536 * 16]) {
    const expected = createWeightsCipher(key, offset)(new Uint8Array(16));
    expect(hex(stream.subarray(offset, offset + 16)), String(offset)).toBe(hex(expected));
  }
});
