import { ed25519 } from '@noble/curves/ed25519.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Keypair, verifyEd25519 } from '../../../src/soma/chain/index.js';
import { bytesOf } from './arbitraries.js';

describe('Ed25519', () => {
  it('signs as the reference library does, and verifies it', () => {
    fc.assert(
      fc.property(bytesOf(32), fc.uint8Array({ maxLength: 80 }), (secret, message) => {
        const keypair = Keypair.fromSecret(secret);
        const signature = keypair.sign(message);
        expect(signature).toEqual(ed25519.sign(message, secret));
        expect(verifyEd25519(message, signature, keypair.publicKey)).toBe(true);
      }),
      { numRuns: 20, seed: 12 },
    );
  });

  // RFC 8032, section 7.1, TEST 2.
  it('has the standard vector', () => {
    const keypair = Keypair.fromText('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    expect(keypair.publicKey).toEqual(hexToBytes('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'));
    expect(keypair.sign(Uint8Array.of(0x72))).toEqual(
      hexToBytes(
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ),
    );
  });

  it('refuses every changed bit of signature, key and message', () => {
    const keypair = Keypair.fromSecret(new Uint8Array(32).fill(5));
    const message = new Uint8Array(32).fill(6);
    const signature = keypair.sign(message);
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
      const copy = bytes.slice();
      copy[bit >> 3]! ^= 1 << (bit & 7);
      return copy;
    };
    for (let bit = 0; bit < 512; bit += 13) {
      expect(verifyEd25519(message, flipped(signature, bit), keypair.publicKey)).toBe(false);
      expect(verifyEd25519(message, signature, flipped(keypair.publicKey, bit % 256))).toBe(false);
      expect(verifyEd25519(flipped(message, bit % 256), signature, keypair.publicKey)).toBe(false);
    }
  });

  it('follows ZIP 215 where the standards differ', () => {
    // A key and R of small order, S = 0: valid with the cofactor, whatever the message.
    const smallOrder = hexToBytes('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const signature = Uint8Array.of(...smallOrder, ...new Uint8Array(32));
    expect(verifyEd25519(Uint8Array.of(1, 2, 3), signature, identity)).toBe(true);
    expect(verifyEd25519(Uint8Array.of(1, 2, 3), signature.subarray(1), identity)).toBe(false);
    // S must be below the group order in every standard.
    expect(
      verifyEd25519(Uint8Array.of(1), Uint8Array.of(...smallOrder, ...new Uint8Array(32).fill(255)), identity),
    ).toBe(false);
  });
});
