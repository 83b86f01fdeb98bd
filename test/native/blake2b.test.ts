import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Blake2bBackend, blake2bBackend, nativeBlake2b, portableBlake2b } from '../../src/native/blake2b.js';
import { nativeCapabilities } from '../../src/native/capabilities.js';
import { ISA_LEVELS } from '../../src/native/isa-level.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Digests of `length` bytes 0, 1, 2, ... from Python's hashlib, `blake2b(data, digest_size=32)`. */
const VECTORS = JSON.parse(readFileSync(new URL('../vectors/blake2b-256.json', import.meta.url), 'utf8')) as {
  digests: Record<string, string>;
};

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 256);

const available = nativeCapabilities();
const BACKENDS: [string, () => Blake2bBackend | undefined][] = [
  ['portable', () => portableBlake2b()],
  ...ISA_LEVELS.map((isa): [string, () => Blake2bBackend | undefined] => [
    `native ${isa}`,
    () => (available.available && available.usable.includes(isa) ? nativeBlake2b(isa) : undefined),
  ]),
];

describe.each(BACKENDS)('BLAKE2b-256 %s', (_name, create) => {
  test('agrees with the vectors, whole and in pieces', (context) => {
    const backend = create();
    if (backend === undefined) return context.skip('not available here');
    for (const [length, digest] of Object.entries(VECTORS.digests)) {
      const bytes = counting(Number(length));
      expect(hex(backend.hash(bytes)), length).toBe(digest);
      for (const piece of [1, 64, 127, 128, 129, 1000]) {
        if (bytes.length / piece > 5000) continue;
        const hasher = backend.create();
        for (let at = 0; at < bytes.length; at += piece) hasher.update(bytes.subarray(at, at + piece));
        hasher.update(new Uint8Array(0));
        expect(hex(hasher.digest()), `${length} by ${piece}`).toBe(digest);
      }
    }
  });
});

test('the chosen backend is the native one where it runs', () => {
  expect(blake2bBackend().name.startsWith('native')).toBe(available.available);
});
