import { QuarryError } from '../errors/index.js';
import { loadAddon } from './addon.js';
import { createBlake2b256 } from './blake2b.js';
import { assertWeightsKey, createWeightsCipher } from './weights-cipher.js';

/**
 * AES-256-CTR over a weight file, as `createWeightsCipher` does it, and BLAKE2b-256 of the encrypted side, in one pass.
 * Pieces may be decrypted and encrypted in turn: to go on with an interrupted file, encrypt what is there and decrypt
 * the rest.
 */
export interface HashingCipher {
  /** `native avx512`, or `node:crypto` where the processor or the build lacks AES instructions. */
  readonly name: string;
  /** The next piece, decrypted: as new bytes, or in `to`, of the same length, which may be the piece itself. */
  decrypt(piece: Uint8Array, to?: Uint8Array): Uint8Array;
  /** The next piece, encrypted likewise. */
  encrypt(piece: Uint8Array, to?: Uint8Array): Uint8Array;
  /** BLAKE2b-256 of everything encrypted, 32 bytes. The cipher is spent afterwards. */
  digest(): Uint8Array;
}

/** What the native core offers for it (`native/binding/hash_binding.cc`). */
interface CipherCore {
  checkedCipherCreate(isa: string, key: Uint8Array): object | undefined;
  checkedCipherDecrypt(cipher: object, from: Uint8Array, to: Uint8Array): void;
  checkedCipherEncrypt(cipher: object, from: Uint8Array, to: Uint8Array): void;
  checkedCipherDigest(cipher: object): Uint8Array;
}

/**
 * The native pass; `undefined` where the level or the processor has no AES instructions.
 *
 * @param key 32 bytes
 * @param isa forces an instruction-set level
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or does not load here
 */
export function nativeHashingCipher(key: Uint8Array, isa?: string): HashingCipher | undefined {
  assertWeightsKey(key);
  const native = loadAddon();
  const core = native as typeof native & CipherCore;
  const level = isa ?? native.capabilities().best;
  const cipher = core.checkedCipherCreate(level, key);
  if (cipher === undefined) return undefined;
  const through =
    (call: CipherCore['checkedCipherDecrypt']) =>
    // Every byte of it is written.
    (piece: Uint8Array, to: Uint8Array = Buffer.allocUnsafeSlow(piece.byteLength)) => {
      call(cipher, piece, to);
      return to;
    };
  return {
    name: `native ${level}`,
    decrypt: through(core.checkedCipherDecrypt),
    encrypt: through(core.checkedCipherEncrypt),
    digest: () => core.checkedCipherDigest(cipher),
  };
}

/**
 * The pass in two steps: node:crypto for AES, whatever hashes fastest for BLAKE2b.
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
 * The faster of the two that runs here.
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
