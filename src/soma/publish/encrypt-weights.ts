import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { toQuarryError } from '../../errors/index.js';
import { createHashingCipher } from '../../native/hashing-cipher.js';

/** An encrypted weight file on disk. */
export interface EncryptedWeights {
  readonly path: string;
  /** BLAKE2b-256 of the encrypted bytes, hex. */
  readonly checksum: string;
  readonly sizeBytes: number;
}

/**
 * Encrypts a weights file in one streaming pass; `target` appears only when complete.
 *
 * @param key 32 bytes, not used for any other file
 */
export async function encryptWeightsFile(
  source: string,
  target: string,
  key: Uint8Array,
  signal?: AbortSignal,
): Promise<EncryptedWeights> {
  const partial = `${target}.part`;
  const cipher = createHashingCipher(key);
  let sizeBytes = 0;
  try {
    // Of a process that was killed here, or of something else: it is not written through.
    await rm(partial, { force: true });
    const file = await open(partial, 'wx', 0o600);
    try {
      const control = { signal };
      for await (const piece of createReadStream(source, { highWaterMark: 1 << 20, ...control })) {
        const encrypted = cipher.encrypt(piece as Uint8Array, piece as Uint8Array);
        sizeBytes += encrypted.byteLength;
        await file.appendFile(encrypted);
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw toQuarryError(error, `encrypting ${source}`);
  }
  return { path: target, checksum: bytesToHex(cipher.digest()), sizeBytes };
}
