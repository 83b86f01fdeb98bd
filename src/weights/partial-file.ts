import { type FileHandle, open } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { createBlake2b256 } from '../native/blake2b.js';
import { createHashingCipher, type HashingCipher } from '../native/hashing-cipher.js';
import type { ByteSink } from './download.js';
import type { WeightsPacking } from './weights-packing.js';

const READ_BACK_BYTES = 4 * 2 ** 20;

type Pass = Pick<HashingCipher, 'decrypt' | 'encrypt' | 'digest'>;

export interface PartialFileOptions {
  readonly path: string;
  /** Size of the complete file. A longer file on disk is discarded. */
  readonly sizeBytes: number;
  /** Key to decrypt what is written, 32 bytes. Without it the bytes are stored unchanged. */
  readonly decryptionKey?: Uint8Array | undefined;
  /** Packs the plaintext while it is written, if the core can. */
  readonly packing?: WeightsPacking | undefined;
  /** Weights identity, for packing. */
  readonly identity?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A download on disk that can be resumed by later runs. */
export interface GrowingFile extends ByteSink {
  /** Bytes kept from an earlier run; 0 if the file was restarted. */
  readonly startAt: number;
  /** Flushes to disk. Call after the checksum was verified. */
  sync(): Promise<void>;
  /** Closes the file, keeping what was written. */
  close(): Promise<void>;
}

/** A download that is hashed as received and stored decrypted. */
export class PartialFile implements GrowingFile {
  readonly #file: FileHandle;
  readonly #key: Uint8Array | undefined;
  #pass: Pass;
  #startAt: number;

  private constructor(file: FileHandle, key: Uint8Array | undefined, startAt: number, pass: Pass) {
    this.#file = file;
    this.#key = key;
    this.#startAt = startAt;
    this.#pass = pass;
  }

  /** Opens the file and hashes its existing content. */
  static async open({ path, sizeBytes, decryptionKey }: PartialFileOptions): Promise<PartialFile> {
    // Check the key before creating the file.
    const pass = passOf(decryptionKey);
    const file = await open(path, 'a+', 0o600);
    try {
      let size = (await file.stat()).size;
      if (size > sizeBytes) {
        await file.truncate(0);
        size = 0;
      }
      // The checksum covers the ciphertext but the file holds plaintext: re-encrypt it to recover the hash state.
      for (let at = 0; at < size; ) {
        const { buffer, bytesRead } = await file.read(new Uint8Array(READ_BACK_BYTES), 0, READ_BACK_BYTES, at);
        if (bytesRead === 0) break;
        pass.encrypt(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      return new PartialFile(file, decryptionKey, size, pass);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get startAt(): number {
    return this.#startAt;
  }

  async write(piece: Uint8Array): Promise<void> {
    await this.#file.appendFile(this.#pass.decrypt(piece));
  }

  checksum(): string {
    return bytesToHex(this.#pass.digest());
  }

  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#startAt = 0;
    this.#pass = passOf(this.#key);
  }

  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Hashes and decrypts; without a key only hashes. */
function passOf(key: Uint8Array | undefined): Pass {
  if (key !== undefined) return createHashingCipher(key);
  const hash = createBlake2b256();
  const same = (piece: Uint8Array): Uint8Array => {
    hash.update(piece);
    return piece;
  };
  return { decrypt: same, encrypt: same, digest: () => hash.digest() };
}
