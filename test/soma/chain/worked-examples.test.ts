import { readFileSync } from 'node:fs';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import {
  decodeTransactionData,
  digestFromBytes,
  digestToBytes,
  encodeTransactionData,
  idFromBytes,
  Keypair,
  manifestOf,
  objectDigest,
  scalarTensor,
  type TransactionData,
  type TransactionKind,
  transactionDigest,
  transactionSigningHash,
  vectorTensor,
  verifyEd25519,
} from '../../../src/soma/chain/index.js';
import { decodeObject, encodeObject } from '../../../src/soma/chain/object.js';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/soma-chain.json', import.meta.url), 'utf8'));
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const id = (byte: number): string => idFromBytes(filled(byte));
const digest = (byte: number): string => digestFromBytes(filled(byte));

const keypair = Keypair.fromText(vectors.secretHex);
const coin = { objectId: id(0x11), version: 5n, digest: digest(0x22) };
const gas = { objectId: id(0x33), version: 7n, digest: digest(0x44) };
const transaction = (kind: TransactionKind): TransactionData => ({
  kind,
  sender: keypair.address,
  gasPayment: [gas],
});

const kinds: Record<string, TransactionKind> = {
  transferCoin: { kind: 'transferCoin', coin, amount: 1_000_000_000n, recipient: id(0x55) },
  submitData: {
    kind: 'submitData',
    targetId: id(0x66),
    dataManifest: manifestOf('https://example.com/data.bin', new Uint8Array(1024)),
    modelId: id(0x77),
    embedding: vectorTensor([1, -0.5, 0.25, 0]),
    distanceScore: scalarTensor(0.9),
    lossScore: vectorTensor([2.5]),
    bondCoin: coin,
  },
  claimRewards: { kind: 'claimRewards', targetId: id(0x66) },
};

describe.each(Object.entries(kinds))('the worked example %s', (name, kind) => {
  const expected = vectors[name];
  const bytes = encodeTransactionData(transaction(kind));

  it('has the stated bytes', () => {
    expect(bytesToHex(bytes)).toBe(expected.bcsHex);
  });
  it('reads back', () => {
    expect(decodeTransactionData(bytes)).toEqual(transaction(kind));
  });
  it('has the stated digest', () => {
    expect(transactionDigest(bytes)).toBe(expected.digest);
    expect(transactionDigest(transaction(kind))).toBe(expected.digest);
    expect(bytesToHex(digestToBytes(expected.digest))).toBe(expected.digestHex);
  });
  it('has the stated signature, which verifies', () => {
    expect(bytesToHex(transactionSigningHash(bytes))).toBe(expected.intentHashHex);
    const serialised = keypair.signTransaction(bytes);
    expect(bytesToHex(serialised)).toBe(`00${expected.signatureHex}${bytesToHex(keypair.publicKey)}`);
    const signature = hexToBytes(expected.signatureHex);
    expect(verifyEd25519(transactionSigningHash(bytes), signature, keypair.publicKey)).toBe(true);
    signature[3]! ^= 1;
    expect(verifyEd25519(transactionSigningHash(bytes), signature, keypair.publicKey)).toBe(false);
  });
});

describe('other pinned values', () => {
  it('the data checksum', () => {
    const { checksum } = manifestOf('https://example.com', new Uint8Array(1024));
    expect(bytesToHex(checksum)).toBe(vectors.zeroDataChecksumHex);
    expect(digestFromBytes(checksum)).toBe(vectors.zeroDataChecksum);
  });

  it('the coin object', () => {
    const bytes = hexToBytes(vectors.coinObject.bcsHex);
    const object = decodeObject(bytes);
    expect(object).toMatchObject({ objectId: id(0x11), version: 5n, type: 'Coin', previousTransaction: digest(0x99) });
    expect(object.owner).toEqual({ kind: 'address', address: keypair.address });
    expect(encodeObject(object)).toEqual(bytes);
    expect(objectDigest(object)).toBe(vectors.coinObject.digest);
  });
});
