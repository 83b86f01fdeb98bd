import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { base58 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bpsMul,
  cryptWeights,
  decryptionKeyCommitment,
  deriveId,
  digestFromBytes,
  digestToBytes,
  embeddingCommitment,
  idFromBytes,
  idToBytes,
  isDigest,
  isId,
  makeTargetSeed,
  nextValueFeeBps,
  normaliseId,
  normaliseUrl,
  protocolConfig,
  shannonsToSoma,
  somaToShannons,
  splitReward,
  submissionBond,
  totalFee,
  valueFee,
  vectorTensor,
} from '../../../src/soma/chain/index.js';
import { u64 } from './arbitraries.js';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/soma-chain.json', import.meta.url), 'utf8'));

describe('ids', () => {
  it.each([
    ['5', `0x${'0'.repeat(63)}5`],
    ['0xABC', `0x${'0'.repeat(61)}abc`],
    ['f'.repeat(64), `0x${'f'.repeat(64)}`],
  ])('reads %s', (text, normal) => {
    expect(normaliseId(text)).toBe(normal);
    expect(idFromBytes(idToBytes(text))).toBe(normal);
  });
  it.each(['', '0x', 'g', '0xx1', '1'.repeat(65), ' 1', '0X1'])('refuses %j', (text) => {
    expect(isId(text)).toBe(false);
    expect(() => normaliseId(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('digests', () => {
  it('are base58 of exactly 32 bytes', () => {
    expect(isDigest(digestFromBytes(new Uint8Array(32)))).toBe(true);
    expect(isDigest('1'.repeat(31))).toBe(false);
    expect(isDigest('1'.repeat(33))).toBe(false);
    expect(isDigest('0'.repeat(44))).toBe(false);
    expect(() => digestToBytes('z'.repeat(1_000_000))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('isDigest', () => {
  const isDecodable = (text: string): boolean => {
    try {
      return digestToBytes(text).length === 32;
    } catch {
      return false;
    }
  };

  it('accepts what decodes to 32 bytes, and nothing else', () => {
    const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
    const digits = fc.string({ unit: fc.constantFrom(...alphabet, '0', 'é'), minLength: 31, maxLength: 45 });
    const bytes = fc.tuple(fc.nat(3), fc.uint8Array({ minLength: 28, maxLength: 34 }));
    fc.assert(fc.property(digits, (text) => void expect(isDigest(text)).toBe(isDecodable(text))));
    fc.assert(
      fc.property(bytes, ([zeros, rest]) => {
        const text = base58.encode(Uint8Array.of(...new Uint8Array(zeros), ...rest));
        expect(isDigest(text)).toBe(isDecodable(text));
      }),
    );
  });

  it('decides at the bounds', () => {
    const numberIn = (value: bigint, bytes: number): string =>
      base58.encode(hexToBytes(value.toString(16).padStart(2 * bytes, '0')));
    const [least, end] = [2n ** 248n, 2n ** 256n];
    const inside = [least, least + 1n, end - 1n, end - 2n].map((value) => numberIn(value, 32));
    expect(inside.map((text) => [text.length, isDigest(text)])).toEqual([
      [43, true],
      [43, true],
      [44, true],
      [44, true],
    ]);
    const outside = [numberIn(least - 1n, 31), numberIn(end, 33)];
    expect(outside.map((text) => [text.length, isDigest(text)])).toEqual([
      [43, false],
      [44, false],
    ]);
  });
});

describe('amounts', () => {
  it.each([
    ['1', 1_000_000_000n],
    ['0.000000001', 1n],
    ['.5', 500_000_000n],
    ['2.', 2_000_000_000n],
    ['10000000', 10n ** 16n],
    ['18446744073.709551615', 2n ** 64n - 1n],
  ])('%s SOMA', (text, shannons) => {
    expect(somaToShannons(text)).toBe(shannons);
  });
  it.each(['', '.', '-1', '1e3', '1,5', '0.0000000001', '18446744073.709551616', ' 1', '0x10', '٣'])(
    'refuses %j',
    (text) => {
      expect(() => somaToShannons(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    },
  );
  it('are exact both ways', () => {
    fc.assert(fc.property(u64, (amount) => somaToShannons(shannonsToSoma(amount)) === amount));
    expect(shannonsToSoma(1_500_000_000n)).toBe('1.5');
    expect(shannonsToSoma(-1n)).toBe('-0.000000001');
    expect(shannonsToSoma(0n)).toBe('0');
  });
});

describe('derived values', () => {
  const { digest } = vectors.transferCoin;
  it('ids and seeds', () => {
    expect(deriveId(digest, 0)).toBe(`0x${vectors.derivedIds[0]}`);
    expect(deriveId(digest, 1n)).toBe(`0x${vectors.derivedIds[1]}`);
    expect(makeTargetSeed(digest, 1)).toBe(BigInt(vectors.targetSeed1));
  });
  it('commitments', () => {
    const embedding = Float32Array.of(1, -0.5, 0.25, 0);
    expect(bytesToHex(embeddingCommitment(embedding))).toBe(vectors.embeddingCommitmentHex);
    expect(bytesToHex(embeddingCommitment(vectorTensor(embedding)))).toBe(vectors.embeddingCommitmentHex);
    const key = digestToBytes(vectors.decryptionKeyBase58);
    expect(bytesToHex(decryptionKeyCommitment(key))).toBe(vectors.decryptionKeyCommitmentHex);
  });
  it('encrypted weights', () => {
    const plain = new TextEncoder().encode(vectors.aes.plaintext);
    const key = hexToBytes(vectors.aes.keyHex);
    expect(bytesToHex(cryptWeights(plain, key))).toBe(vectors.aes.ciphertextHex);
    expect(() => cryptWeights(plain, key.subarray(1))).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });
  it('URLs', () => {
    expect(normaliseUrl('HTTPS://Example.com:443/a b')).toBe('https://example.com/a%20b');
    expect(() => normaliseUrl('example.com')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('fees', () => {
  const v5 = protocolConfig(5);
  const parameters = { ...v5, valueFeeBps: v5.initialValueFeeBps };
  it('have the typical totals of protocol version 5', () => {
    expect(totalFee('submitData', 0n, 5, parameters)).toBe(2500n);
    expect(totalFee('transferCoin', 0n, 2, parameters)).toBe(1600n);
    expect(totalFee('transferCoin', 1_000_000_000n, 2, parameters)).toBe(1600n + 1_000_000n);
    // An expired target of 12,685,000 shannons: 0.5 % incentive, 0.05 % value fee.
    expect(valueFee('claimRewards', 12_685_000n, parameters)).toBe(6342n);
    expect(splitReward(12_685_000n, v5).claimer).toBe(63_425n);
    expect(valueFee('createModel', 1_000_000_000n, { valueFeeBps: 1n })).toBe(0n);
    expect(submissionBond(1024, v5.submissionBondPerByte)).toBe(66_560n);
  });
  it('split a reward without losing a shannon', () => {
    fc.assert(
      fc.property(u64, (reward) => {
        const { submitter, modelOwner, claimer } = splitReward(reward, v5);
        expect(submitter + modelOwner + claimer).toBe(reward);
        expect(modelOwner).toBe(bpsMul(reward, 4975n));
      }),
    );
  });
  it('move by one a step and get stuck at seven', () => {
    const next = (fees: bigint, valueFeeBps: bigint): bigint => nextValueFeeBps(fees, { ...v5, valueFeeBps });
    expect(next(10n ** 12n, 10n)).toBe(11n);
    expect(next(0n, 10n)).toBe(9n);
    expect(next(0n, 7n)).toBe(7n);
    expect(next(10n ** 12n, 7n)).toBe(7n);
    expect(next(10n ** 12n, 50n)).toBe(50n);
  });
});

describe('protocol versions', () => {
  it('differ as the network says', () => {
    expect([1, 2, 3, 4, 5].map((version) => protocolConfig(version).executionVersion)).toEqual([0, 1, 2, 2, 2]);
    expect(protocolConfig(5n)).toMatchObject({
      targetInitialDistanceThreshold: Math.fround(1.05),
      targetInitialTargetsPerEpoch: 100n,
      minimumZStep: 2,
    });
    expect(() => protocolConfig(6)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });
});
