import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import {
  blake2b256,
  cryptWeights,
  decodeSignedTransaction,
  decodeTransactionData,
  digestFromBytes,
  encodeSignedTransaction,
  encodeTransactionData,
  Keypair,
  normaliseId,
  parseTransactionText,
  signTransaction,
  toBase64,
  verifySignedTransaction,
} from '../../../src/soma/chain/index.js';

interface KeyEntry {
  readonly phrase: string;
  readonly secretHex: string;
  readonly bech32: string;
  readonly address: string;
}

const vectors: {
  signerSecretHex: string;
  secrets: KeyEntry[];
  mnemonics: KeyEntry[];
  transactions: { kind: string; bcsHex: string; signedHex: string }[];
  weights: { keyHex: string; keyBase58: string; plainHex: string; encryptedHex: string; commitment: string }[];
} = JSON.parse(readFileSync(new URL('../../vectors/soma-sdk-chain.json', import.meta.url), 'utf8'));

describe('what the official SDK says', () => {
  it.each(vectors.secrets)('about the secret of $address', ({ secretHex, bech32, address }) => {
    const keypair = Keypair.fromText(secretHex);
    expect(keypair.address).toBe(normaliseId(address));
    expect(keypair.exportSecret('bech32')).toBe(bech32);
    expect(Keypair.fromText(bech32).exportSecret('hex')).toBe(secretHex);
  });

  it.each(vectors.mnemonics)('about the phrase of $address', ({ phrase, secretHex, address }) => {
    const keypair = Keypair.fromMnemonic(phrase);
    expect(keypair.exportSecret('hex')).toBe(secretHex);
    expect(keypair.address).toBe(normaliseId(address));
    expect(Keypair.fromText(`  ${phrase.toUpperCase().replaceAll(' ', '\n ')} `).address).toBe(keypair.address);
  });

  it('about every kind of transaction: same bytes, same signature', async () => {
    const keypair = Keypair.fromText(vectors.signerSecretHex);
    expect(new Set(vectors.transactions.map(({ kind }) => kind)).size).toBe(26);
    for (const { kind, bcsHex, signedHex } of vectors.transactions) {
      const data = decodeTransactionData(hexToBytes(bcsHex));
      expect(data.kind.kind).toBe(kind);
      expect(bytesToHex(encodeTransactionData(data))).toBe(bcsHex);
      const signed = await signTransaction(data, keypair);
      expect(bytesToHex(encodeSignedTransaction(signed))).toBe(signedHex);
      expect(decodeSignedTransaction(hexToBytes(signedHex))).toEqual(signed);
    }
  });

  it('about transactions as text', () => {
    const { bcsHex, signedHex, kind } = vectors.transactions.find((each) => each.kind === 'submitData')!;
    const unsigned = parseTransactionText(`${toBase64(hexToBytes(bcsHex))}\n`);
    expect(unsigned).toMatchObject({ kind: 'unsigned', data: { kind: { kind } } });
    const signed = parseTransactionText(toBase64(hexToBytes(signedHex)));
    expect(signed).toMatchObject({ kind: 'signed', digest: unsigned.digest, bytes: hexToBytes(bcsHex) });
    expect(() => parseTransactionText('AgAA')).toThrow(expect.objectContaining({ code: 'BCS_INVALID' }));
    expect(() => parseTransactionText('?')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('about encrypted weights and their commitment', () => {
    for (const { keyHex, keyBase58, plainHex, encryptedHex, commitment } of vectors.weights) {
      const key = hexToBytes(keyHex);
      expect(digestFromBytes(key)).toBe(keyBase58);
      const encrypted = cryptWeights(hexToBytes(plainHex), key);
      expect(bytesToHex(encrypted)).toBe(encryptedHex);
      expect(bytesToHex(cryptWeights(encrypted, key))).toBe(plainHex);
      expect(digestFromBytes(blake2b256(encrypted))).toBe(commitment);
    }
  });

  it('its signature verifies for its sender alone', async () => {
    const keypair = Keypair.fromText(vectors.signerSecretHex);
    const data = { kind: { kind: 'claimRewards' as const, targetId: '0x1' }, gasPayment: [] };
    const own = await signTransaction({ ...data, sender: keypair.address }, keypair);
    expect(() => verifySignedTransaction(own)).not.toThrow();
    const others = await signTransaction({ ...data, sender: '0x2' }, keypair);
    expect(() => verifySignedTransaction(others)).toThrow(expect.objectContaining({ code: 'SIGNATURE_INVALID' }));
    const damaged = own.bytes.slice();
    damaged[5]! ^= 1;
    expect(() => verifySignedTransaction({ ...own, bytes: damaged })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
    expect(() => verifySignedTransaction({ ...own, signatures: [] })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
  });
});
