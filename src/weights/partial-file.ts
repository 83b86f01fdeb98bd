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
  /** What the whole file has. A longer one on disk is started anew. */
  readonly sizeBytes: number;
  /** Decrypts what is written, 32 bytes. Without it the bytes are kept as they come. */
  readonly decryptionKey?: Uint8Array | undefined;
  /** Packs the plaintext as it comes, where the core can. */
  readonly packing?: WeightsPacking | undefined;
  /** Identity of the weights, for packing. */
  readonly identity?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A download on disk that grows in this run and in later ones. */
export interface GrowingFile extends ByteSink {
  /** Bytes that an earlier run left; 0 once the file was begun anew. */
  readonly startAt: number;
  /** Resolves when everything is on the disk; after the checksum was right. */
  sync(): Promise<void>;
  /** Keeps what has come. */
  close(): Promise<void>;
}

/** A file that grows while it is downloaded: hashed as it comes, decrypted as it is kept. */
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

  /** Opens the file, and hashes what is in it already. */
  static async open({ path, sizeBytes, decryptionKey }: PartialFileOptions): Promise<PartialFile> {
    // Before the file exists: a key of the wrong length must leave nothing behind.
    const pass = passOf(decryptionKey);
    const file = await open(path, 'a+', 0o600);
    try {
      let size = (await file.stat()).size;
      if (size > sizeBytes) {
        await file.truncate(0);
        size = 0;
      }
      // The checksum covers the ciphertext and the file holds plaintext: encrypting it again recovers the hash state.
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

/** Hashes and decrypts what comes; without a key the bytes stay as they are. */
function passOf(key: Uint8Array | undefined): Pass {
  if (key !== undefined) return createHashingCipher(key);
  const hash = createBlake2b256();
  const same = (piece: Uint8Array): Uint8Array => {
    hash.update(piece);
    return piece;
  };
  return { decrypt: same, encrypt: same, digest: () => hash.digest() };
}
