import { base58 } from '@scure/base';
import { QuarryError } from '../../errors/index.js';
import { blake2bBackend, createBlake2b256 } from '../../native/blake2b.js';
import { type Codec, mapped, sizedBytes } from './bcs/index.js';

const UTF8 = new TextEncoder();

/** A 32-byte digest as base58 text: of a transaction, object, effects, checkpoint or file. */
export type Digest = string;

/** BLAKE2b with 32 bytes of output and no key, the only hash of the SOMA protocol. */
export function blake2b256(...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size <= COPIED_BYTES) return blake2bBackend().hash(joined(parts, size));
  const hash = createBlake2b256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Up to here copying the parts together costs less than a hasher of their own, which the collector has to end. */
const COPIED_BYTES = 64 * 1024;

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * BLAKE2b-256 over a type's name, `::` and its BCS, which is how the network hashes its own structures (`default_hash`
 * of `types/src/crypto.rs`).
 *
 * @param typeName the Rust type: `"TransactionData"`
 */
export function typedHash(typeName: string, bcs: Uint8Array): Uint8Array {
  let prefix = prefixes.get(typeName);
  if (prefix === undefined) {
    prefix = UTF8.encode(`${typeName}::`);
    prefixes.set(typeName, prefix);
  }
  return blake2b256(prefix, bcs);
}

/** What precedes the bytes of each type: there are about ten. */
const prefixes = new Map<string, Uint8Array>();

/** {@link typedHash} as base58. */
export function typedDigest(typeName: string, bcs: Uint8Array): Digest {
  return base58.encode(typedHash(typeName, bcs));
}

/**
 * Encodes 32 bytes in base58.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when there are not 32
 */
export function digestFromBytes(bytes: Uint8Array): Digest {
  if (bytes.length !== 32) throw new QuarryError('INVALID_ARGUMENT', `a digest has 32 bytes, got ${bytes.length}`);
  return base58.encode(bytes);
}

/**
 * Decodes a base58 digest to 32 bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `text` is not base58 of exactly 32 bytes
 */
export function digestToBytes(text: string): Uint8Array {
  // 32 bytes take at most 44 digits. Reject longer text first, as base58 decoding is quadratic.
  if (typeof text === 'string' && text.length >= 32 && text.length <= 44) {
    try {
      const bytes = base58.decode(text);
      if (bytes.length === 32) return bytes;
    } catch {
      // Throw below instead: the library's message would quote the text, which may be a key entered by mistake.
    }
  }
  throw new QuarryError('INVALID_ARGUMENT', 'a digest must be base58 text of 32 bytes', {
    details: { length: typeof text === 'string' ? text.length : undefined },
  });
}

const BASE58_TEXT = /^[1-9A-HJ-NP-Za-km-z]*$/;
/** The greatest 32 bytes, and the least of which the first is not zero. */
const MOST = base58.encode(new Uint8Array(32).fill(0xff));
const LEAST_FULL = base58.encode(Uint8Array.of(1, ...new Uint8Array(31)));

/** Whether `text` is base58 of exactly 32 bytes. */
export function isDigest(text: string): boolean {
  // The digits of base58 are in the order of their characters, so texts of one length compare as their numbers do.
  if (text.length === 44 && text[0] !== '1') return text <= MOST && BASE58_TEXT.test(text);
  if (text.length === 43 && text >= LEAST_FULL) return BASE58_TEXT.test(text);
  try {
    digestToBytes(text);
    return true;
  } catch {
    return false;
  }
}

/** BCS of a digest: a length byte of 32, then the bytes (the type serialises through a byte-string encoder). */
export const digestCodec: Codec<Digest> = mapped(sizedBytes(32), digestFromBytes, digestToBytes);

/** BCS of a 32-byte commitment, checksum or key, kept as bytes: the same layout as {@link digestCodec}. */
export const bytes32Codec: Codec<Uint8Array> = sizedBytes(32);

/** The digest that marks a deleted object. `types/src/digests.rs`. */
export const DELETED_DIGEST: Digest = base58.encode(new Uint8Array(32).fill(99));
/** The digest that marks a wrapped object. */
export const WRAPPED_DIGEST: Digest = base58.encode(new Uint8Array(32).fill(88));
/** The digest that marks an input of a cancelled transaction. */
export const CANCELLED_DIGEST: Digest = base58.encode(new Uint8Array(32).fill(77));
/** The digest of 32 zero bytes, the previous transaction of genesis objects. */
export const ZERO_DIGEST: Digest = base58.encode(new Uint8Array(32));
/** The testnet's chain identifier: the digest of its genesis checkpoint. `types/src/digests.rs`. */
export const TESTNET_CHAIN_ID: Digest = '964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd';
