import { QuarryError } from '../errors/index.js';
import { loadAddon, type NativeAddon } from './addon.js';
import { createBlake2b256 } from './blake2b.js';
import type { IsaLevel } from './isa-level.js';
import { assertWeightsKey, createWeightsCipher } from './weights-cipher.js';

/**
 * AES-256-CTR over a weight file, as in `createWeightsCipher`, and BLAKE2b-256 of the ciphertext, in one pass. Pieces
 * may alternate between decryption and encryption: to resume an interrupted download, encrypt the plaintext already on
 * disk, then decrypt the rest.
 */
export interface HashingCipher {
  /** Such as `native avx512`; `node:crypto` if processor or build lack AES instructions. */
  readonly name: string;
  /** Decrypts the next piece into `to`, of the same length, or a new array. `to` may be the piece itself. */
  decrypt(piece: Uint8Array, to?: Uint8Array): Uint8Array;
  /** Encrypts the next piece; parameters as in {@link decrypt}. */
  encrypt(piece: Uint8Array, to?: Uint8Array): Uint8Array;
  /** BLAKE2b-256 of the whole ciphertext, 32 bytes. The cipher must not be used afterwards. */
  digest(): Uint8Array;
}

/**
 * The native implementation; `undefined` if level or processor have no AES instructions.
 *
 * @param key 32 bytes
 * @param isa forces an instruction-set level
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or does not load here
 */
export function nativeHashingCipher(key: Uint8Array, isa?: IsaLevel): HashingCipher | undefined {
  assertWeightsKey(key);
  const core = loadAddon();
  const level = isa ?? core.capabilities().best;
  const cipher = core.hashingCipherCreate(level, key);
  if (cipher === undefined) return undefined;
  const through =
    (call: NativeAddon['hashingCipherDecrypt']) =>
    // No need to zero the buffer: every byte gets written.
    (piece: Uint8Array, to: Uint8Array = Buffer.allocUnsafeSlow(piece.byteLength)) => {
      call(cipher, piece, to);
      return to;
    };
  return {
    name: `native ${level}`,
    decrypt: through(core.hashingCipherDecrypt),
    encrypt: through(core.hashingCipherEncrypt),
    digest: () => core.hashingCipherDigest(cipher),
  };
}

/**
 * The portable implementation: AES of node:crypto, then the fastest BLAKE2b.
 *
 * @param key 32 bytes
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 */
export function portableHashingCipher(key: Uint8Array): HashingCipher {
  const crypt = createWeightsCipher(key);
  const hash = createBlake2b256();
  return {
    name: 'node:crypto',
    decrypt(piece, to) {
      hash.update(piece);
      return into(to, crypt(piece));
    },
    encrypt(piece, to) {
      const encrypted = crypt(piece);
      hash.update(encrypted);
      return into(to, encrypted);
    },
    digest: () => hash.digest(),
  };
}

function into(to: Uint8Array | undefined, bytes: Uint8Array): Uint8Array {
  if (to === undefined) return bytes;
  to.set(bytes);
  return to;
}

/**
 * The native implementation if available, else the portable one.
 *
 * @param key 32 bytes
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 */
export function createHashingCipher(key: Uint8Array): HashingCipher {
  try {
    return nativeHashingCipher(key) ?? portableHashingCipher(key);
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return portableHashingCipher(key);
    throw error;
  }
}
