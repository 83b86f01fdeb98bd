import { createCipheriv } from 'node:crypto';
import { QuarryError } from '../../errors/index.js';

/** Bytes of a model's decryption key. */
export const DECRYPTION_KEY_BYTES = 32;

/**
 * Encrypts or decrypts model weights with AES-256 in CTR mode (the same operation), with an all-zero IV and a 128-bit
 * big-endian counter. There is no authentication, and using a key for two files leaks both: generate a new random key
 * for each file.
 *
 * @param data plain or encrypted weights
 * @param key 32 bytes
 * @returns as many bytes as `data`
 * @throws QuarryError `KEY_INVALID` when the key does not have 32 bytes
 */
export function cryptWeights(data: Uint8Array, key: Uint8Array): Uint8Array {
  if (key.length !== DECRYPTION_KEY_BYTES) {
    throw new QuarryError('KEY_INVALID', `a decryption key has 32 bytes, got ${key.length}`);
  }
  const cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return new Uint8Array(cipher.update(data));
}
