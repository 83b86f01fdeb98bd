import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { base58, base64 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import {
  addressOfSignature,
  combineMultisig,
  decodeUserSignature,
  encodeUserSignature,
  generateMnemonic,
  Keypair,
  type MultisigCommittee,
  type MultisigSignature,
  multisigAddress,
  parseKeystoreEntry,
  parseSecret,
  type SecretFormat,
  secretFromMnemonic,
  transactionSigningHash,
  userSignatureFromRpc,
  userSignatureToRpc,
  verifyTransactionSignature,
} from '../../../src/soma/chain/index.js';
import { bytesOf } from './arbitraries.js';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/soma-chain.json', import.meta.url), 'utf8'));

describe('secret formats', () => {
  it('writes and reads the pinned values', () => {
    const keypair = Keypair.fromText(vectors.secretHex);
    expect(keypair.exportSecret('bech32')).toBe(vectors.secret.bech32);
    expect(keypair.exportSecret('keystore')).toBe(vectors.secret.keystore);
    expect(parseSecret(vectors.secret.keystore)).toMatchObject({ format: 'keystore' });
    for (const text of [vectors.secret.bech32, vectors.secret.keystore, `0x${vectors.secretHex.toUpperCase()}`]) {
      expect(Keypair.fromText(` ${text}\n`).exportSecret('hex')).toBe(vectors.secretHex);
    }
  });

  it('derives the pinned mnemonic', () => {
    const keypair = Keypair.fromMnemonic(vectors.mnemonic.phrase);
    expect(keypair.exportSecret('hex')).toBe(vectors.mnemonic.secretHex);
    expect(keypair.exportSecret('bech32')).toBe(vectors.mnemonic.bech32);
    expect(keypair.address).toBe(vectors.mnemonic.address);
  });

  it('keeps any secret through every form, or says that the text is ambiguous', () => {
    fc.assert(
      fc.property(
        bytesOf(32),
        fc.constantFrom<SecretFormat>('bech32', 'hex', 'base58', 'keystore'),
        (secret, format) => {
          const text = Keypair.fromSecret(secret).exportSecret(format);
          try {
            expect(parseSecret(text)).toEqual({ secret, format });
          } catch (error) {
            // Only the two forms that can look alike may be refused, and only when they do.
            if (!(error instanceof QuarryError)) throw error;
            expect(['base58', 'keystore']).toContain(format);
            expect(base58.decode(text)).toHaveLength(32);
            expect(base64.decode(text)).toHaveLength(33);
          }
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });

  it('refuses to guess between a keystore entry and base58', () => {
    // 44 base58 digits that are base64 of 33 bytes beginning with 0 as well.
    let secret = new Uint8Array(32);
    let text = '';
    for (let seed = 0; text === ''; seed++) {
      secret = Uint8Array.from({ length: 32 }, (_, index) => (seed * 2654435761 + index * 40503 + index * index) >>> 3);
      const candidate = base64.encode(Uint8Array.of(0, ...secret));
      try {
        if (base58.decode(candidate).length === 32) text = candidate;
      } catch {
        // Not base58; try the next one.
      }
    }
    expect(() => parseSecret(text)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
    expect(parseKeystoreEntry(text)).toEqual(secret);
  });

  it.each([
    ['nothing', ''],
    ['short hex', 'abcd'],
    ['65 digits', 'a'.repeat(65)],
    ['a damaged bech32', vectors.secret.bech32.replace('qplrn', 'qplrm')],
    ['another prefix', 'suiprivkey1qplrnsltlrzxj3rn5syd6e863xs0227u4rayja6lz0exg623wftxjhtrev5'],
    ['a BLS keystore entry', base64.encode(Uint8Array.of(1, ...new Uint8Array(32)))],
    ['eleven words', 'abandon '.repeat(11).trim()],
    ['a wrong checksum word', 'abandon '.repeat(12).trim()],
    ['a long text', 'x'.repeat(100_000)],
  ])('refuses %s and does not repeat it', (_, text) => {
    const error = (() => {
      try {
        return parseSecret(text);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toMatchObject({ code: 'KEY_INVALID', exitCode: 3 });
    if (text.length > 3) expect(inspect(error, { depth: 9 })).not.toContain(text);
  });

  it('accepts only paths of this network', () => {
    const other = secretFromMnemonic(vectors.mnemonic.phrase, "m/44'/784'/1'/0'/0'");
    expect(bytesToHex(other)).not.toBe(vectors.mnemonic.secretHex);
    for (const path of [
      "m/44'/60'/0'/0'/0'",
      "m/44'/784'/0'/0/0",
      "m/44'/784'/0'/0'",
      "m/44'/784'/2147483648'/0'/0'",
    ]) {
      expect(() => secretFromMnemonic(vectors.mnemonic.phrase, path)).toThrow(
        expect.objectContaining({ code: 'KEY_INVALID' }),
      );
    }
  });

  it.each([12, 15, 18, 21, 24] as const)('generates phrases of %i words', (count) => {
    const phrase = generateMnemonic(count, (size) => new Uint8Array(size).fill(count));
    expect(phrase.split(' ')).toHaveLength(count);
    expect(Keypair.fromMnemonic(phrase).address).toMatch(/^0x[0-9a-f]{64}$/);
  });
});

describe('a key pair', () => {
  it('never shows its secret by accident', () => {
    const keypair = Keypair.fromText(vectors.secretHex);
    const shown = [
      inspect(keypair, { showHidden: true, depth: 9 }),
      inspect({ nested: [keypair] }, { depth: 9 }),
      JSON.stringify(keypair),
      `${keypair}`,
      JSON.stringify({ ...keypair }),
      JSON.stringify(structuredClone({ ...keypair })),
    ].join('\n');
    for (const secret of [vectors.secretHex, vectors.secret.bech32, vectors.secret.keystore]) {
      expect(shown).not.toContain(secret);
    }
    expect(shown).not.toContain(String(hexToBytes(vectors.secretHex).subarray(0, 8)));
    expect(shown).toContain(keypair.address);
  });

  it('is independent of the bytes it was made from', () => {
    const secret = hexToBytes(vectors.secretHex);
    const keypair = Keypair.fromSecret(secret);
    secret.fill(0);
    expect(keypair.exportSecret('hex')).toBe(vectors.secretHex);
  });

  it('is random when generated', () => {
    expect(Keypair.generate().address).not.toBe(Keypair.generate().address);
  });
});

describe('multisig', () => {
  const keypairs: Keypair[] = vectors.multisig.members.map((member: { secretHex: string }) =>
    Keypair.fromText(member.secretHex),
  );
  const committee: MultisigCommittee = {
    members: keypairs.map((keypair, index) => ({
      publicKey: keypair.publicKey,
      weight: vectors.multisig.weights[index],
    })),
    threshold: vectors.multisig.threshold,
  };
  const bytes = hexToBytes(vectors.claimRewards.bcsHex);
  const sign = (...indexes: number[]): MultisigSignature =>
    combineMultisig(committee, new Map(indexes.map((i) => [i, keypairs[i]!.sign(transactionSigningHash(bytes))])));
  const sender = vectors.multisig.address;

  it('has the pinned addresses', () => {
    for (const [index, member] of vectors.multisig.members.entries()) {
      expect(bytesToHex(keypairs[index]!.publicKey)).toBe(member.publicKeyHex);
      expect(keypairs[index]!.address).toBe(member.address);
    }
    expect(multisigAddress(committee)).toBe(sender);
  });

  it.each([[[1]], [[2]], [[0, 1]], [[2, 0]], [[0, 1, 2]]])('accepts members %j', (indexes) => {
    const signature = sign(...indexes);
    const serialised = encodeUserSignature(signature);
    expect(serialised[0]).toBe(2);
    expect(decodeUserSignature(serialised)).toEqual(signature);
    expect(userSignatureFromRpc(userSignatureToRpc(serialised))).toEqual(signature);
    expect(addressOfSignature(signature)).toBe(sender);
    expect(() => verifyTransactionSignature(bytes, serialised, sender)).not.toThrow();
  });

  it('lays out the signature as the chain does', () => {
    const signature = sign(0, 1);
    const hex = bytesToHex(encodeUserSignature(signature));
    const [first, second] = signature.signatures.map((each) => bytesToHex(each));
    const members = keypairs.map((keypair, index) => `00${bytesToHex(keypair.publicKey)}0${index + 1}`).join('');
    expect(hex).toBe(['02', `02${`00${first}`}00${second}`, '0300', `03${members}`, '0200'].join(''));
  });

  const good = sign(0, 1);
  it.each<[string, MultisigSignature]>([
    ['too little weight', sign(0)],
    ['a bit too many', { ...good, bitmap: 7 }],
    ['a bit beyond the members', { ...good, bitmap: 0b1001 }],
    ['swapped signatures', { ...good, signatures: [...good.signatures].reverse() }],
    ['the wrong bits', { ...good, bitmap: 0b110 }],
  ])('refuses %s', (_, signature) => {
    expect(() => verifyTransactionSignature(bytes, signature, sender)).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
  });

  it.each<[string, MultisigCommittee]>([
    ['nobody', { members: [], threshold: 1 }],
    ['a key twice', { ...committee, members: [committee.members[0]!, committee.members[0]!] }],
    ['no threshold', { ...committee, threshold: 0 }],
    ['a threshold out of reach', { ...committee, threshold: 7 }],
    ['no weight', { ...committee, members: [{ ...committee.members[0]!, weight: 0 }] }],
    [
      'eleven members',
      {
        threshold: 1,
        members: Array.from({ length: 11 }, (_, i) => ({ publicKey: new Uint8Array(32).fill(i), weight: 1 })),
      },
    ],
  ])('refuses an account with %s', (_, bad) => {
    expect(() => multisigAddress(bad)).toThrow(expect.objectContaining({ code: 'SIGNATURE_INVALID' }));
  });
});
