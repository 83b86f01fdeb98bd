import { createDecipheriv } from 'node:crypto';
import { QuarryError } from '../errors/index.js';

/** AES block and counter size, bytes. */
const BLOCK = 16;

/**
 * AES-256-CTR as the network encrypts weights: zero IV, 128-bit big-endian counter over the whole file. Encryption and
 * decryption are the same operation.
 *
 * @param key 32 bytes
 * @param offset byte position in the file at which the stream starts
 * @returns a function that transforms consecutive pieces
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 */
export function createWeightsCipher(key: Uint8Array, offset = 0): (piece: Uint8Array) => Uint8Array {
  assertWeightsKey(key);
  const counter = new Uint8Array(BLOCK);
  new DataView(counter.buffer).setBigUint64(8, BigInt(Math.floor(offset / BLOCK)), false);
  const cipher = createDecipheriv('aes-256-ctr', key, counter);
  if (offset % BLOCK !== 0) cipher.update(new Uint8Array(offset % BLOCK));
  return (piece) => cipher.update(piece);
}

/** @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long */
export function assertWeightsKey(key: Uint8Array): void {
  if (key.byteLength !== 32) {
    throw new QuarryError('KEY_INVALID', `a weights key has 32 bytes, got ${key.byteLength}`);
  }
}
