import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { base58, base64, bech32 } from '@scure/base';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { QuarryError } from '../../../errors/index.js';
import { SCHEME_FLAGS } from './signature.js';
import { deriveEd25519 } from './slip10.js';

/** Human-readable part of a bech32 secret. */
export const SECRET_HRP = 'somaprivkey';

/** Text forms of a secret; a mnemonic cannot be recovered from a secret. */
export type SecretFormat = 'bech32' | 'hex' | 'base58' | 'keystore';

/** A parsed secret and the form it was in. */
export interface ParsedSecret {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  readonly format: SecretFormat | 'mnemonic';
}

/** Numbers of words a phrase may have. BIP-39. */
export const MNEMONIC_WORD_COUNTS = [12, 15, 18, 21, 24] as const;

/** How many words a mnemonic phrase has. */
export type MnemonicWordCount = (typeof MNEMONIC_WORD_COUNTS)[number];

const HINT =
  'give 64 hexadecimal digits, somaprivkey1…, base58 of 32 bytes, a keystore entry, or a mnemonic phrase of 12 to 24 words';

function keyInvalid(problem: string): QuarryError {
  // Exclude the text and the decoder's message from the error, as both may contain the key.
  return new QuarryError('KEY_INVALID', problem, { hint: HINT });
}

/** The 32 secret bytes of `flag || secret`. */
function unflagged(bytes: Uint8Array, form: string): Uint8Array {
  if (bytes.length !== 33) throw keyInvalid(`a ${form} secret holds 33 bytes, got ${bytes.length}`);
  if (bytes[0] !== SCHEME_FLAGS.ed25519) {
    throw keyInvalid(`a ${form} secret with scheme flag ${bytes[0]}; only Ed25519 keys (flag 0) sign transactions`);
  }
  return bytes.slice(1);
}

function attempt(decode: () => Uint8Array): Uint8Array | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/** The 32 bytes of a `somaprivkey1…` text. */
function parseBech32(text: string): Uint8Array {
  const bytes = attempt(() => {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`);
    if (prefix !== SECRET_HRP) throw new Error('prefix');
    return bech32.fromWords(words);
  });
  if (bytes === undefined) throw keyInvalid('the somaprivkey text is damaged: its checksum or alphabet is wrong');
  return unflagged(bytes, 'bech32');
}

/** Decodes a keystore entry to 33 bytes: 44 characters of base64 without padding, with a valid flag. */
function readKeystoreEntry(text: string): Uint8Array | undefined {
  if (text.length !== 44) return undefined;
  const bytes = attempt(() => base64.decode(text));
  return bytes !== undefined && bytes[0]! <= SCHEME_FLAGS.multisig ? bytes : undefined;
}

/** The 32 bytes of a base58 text. */
function readBase58(text: string): Uint8Array | undefined {
  if (text.length < 32 || text.length > 44) return undefined;
  const bytes = attempt(() => base58.decode(text));
  return bytes?.length === 32 ? bytes : undefined;
}

/**
 * The secret of one entry of a keystore file.
 *
 * @param text base64 of flag and secret
 * @throws QuarryError `KEY_INVALID` when the text is not base64 of 33 bytes, or the key is not Ed25519
 */
export function parseKeystoreEntry(text: string): Uint8Array {
  const bytes = readKeystoreEntry(text.trim());
  if (bytes === undefined) throw keyInvalid('a keystore entry is base64 of 33 bytes');
  return unflagged(bytes, 'keystore');
}

/**
 * Parses a secret key in any form used by the network's tools and users.
 *
 * @param text hex with or without `0x`; `somaprivkey1…`; base58 of 32 bytes; keystore base64; a mnemonic phrase
 * @throws QuarryError `KEY_INVALID` when the text is none of these or damaged
 * @throws QuarryError `KEY_INVALID` when the text is both a keystore entry and base58; see {@link parseKeystoreEntry}
 */
export function parseSecret(text: string): ParsedSecret {
  const trimmed = text.trim();
  if (trimmed === '') throw keyInvalid('the key is empty');
  if (trimmed.length > 1000) throw keyInvalid('the key is too long');
  if (/\s/.test(trimmed)) return { secret: secretFromMnemonic(trimmed), format: 'mnemonic' };
  if (/^(0x)?[0-9a-f]{64}$/i.test(trimmed)) {
    return { secret: hexToBytes(trimmed.replace(/^0x/i, '').toLowerCase()), format: 'hex' };
  }
  if (trimmed.toLowerCase().startsWith(`${SECRET_HRP}1`)) return { secret: parseBech32(trimmed), format: 'bech32' };
  const keystore = readKeystoreEntry(trimmed);
  const plain = readBase58(trimmed);
  // About one in sixty keystore entries is also valid base58, and vice versa. Guessing could sign with the wrong key.
  if (keystore !== undefined && plain !== undefined) {
    throw keyInvalid('the text is valid both as a keystore entry and as base58, which are different keys');
  }
  if (keystore !== undefined) return { secret: unflagged(keystore, 'keystore'), format: 'keystore' };
  if (plain !== undefined) return { secret: plain, format: 'base58' };
  throw keyInvalid('the text is not a secret key in any known form');
}

/** The text of a 32-byte secret. */
export function secretToText(secret: Uint8Array, format: SecretFormat): string {
  const flagged = Uint8Array.of(SCHEME_FLAGS.ed25519, ...secret);
  switch (format) {
    case 'bech32':
      return bech32.encode(SECRET_HRP, bech32.toWords(flagged));
    case 'hex':
      return bytesToHex(secret);
    case 'base58':
      return base58.encode(secret);
    case 'keystore':
      return base64.encode(flagged);
  }
}

/**
 * The secret of a BIP-39 English phrase with an empty passphrase.
 *
 * @param path see {@link deriveEd25519}
 * @throws QuarryError `KEY_INVALID` when the phrase has a wrong word, count or checksum
 * @throws QuarryError `KEY_INVALID` when the path is not one of this network
 */
export function secretFromMnemonic(phrase: string, path?: string): Uint8Array {
  const words = phrase.trim().toLowerCase().split(/\s+/).join(' ');
  if (!validateMnemonic(words, wordlist)) {
    throw keyInvalid('the mnemonic phrase is not valid: check the words, their order and their number');
  }
  return deriveEd25519(mnemonicToSeedSync(words), path);
}

/**
 * A new random phrase.
 *
 * @param wordCount 12, 15, 18, 21 or 24
 * @param randomBytes source of randomness: `size` random bytes
 * @throws QuarryError `INVALID_ARGUMENT` when `wordCount` is another number
 */
export function generateMnemonic(wordCount: MnemonicWordCount, randomBytes: (size: number) => Uint8Array): string {
  if (!MNEMONIC_WORD_COUNTS.includes(wordCount)) {
    throw new QuarryError('INVALID_ARGUMENT', `a mnemonic phrase has 12, 15, 18, 21 or 24 words, not ${wordCount}`);
  }
  // BIP-39: 3 words encode 32 bits of entropy and 1 bit of checksum.
  return entropyToMnemonic(randomBytes((wordCount / 3) * 4), wordlist);
}
