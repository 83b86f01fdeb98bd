import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirectory } from '../src/files/make-directory.js';
import { blake2b256 } from '../src/native/blake2b.js';

/** A score of one chunk. */
export interface CachedScore {
  readonly loss: number;
  readonly embedding: Float32Array;
}

/**
 * Scores of one model kept in a file: `[32 bytes BLAKE2b-256 of the chunk, f64 loss, dim f32]` a record, in the order of
 * scoring. A bench that scores for an hour resumes where an interrupted run ended.
 */
export class ScoreCache {
  readonly #file: string;
  readonly #known = new Map<string, CachedScore>();

  constructor(directory: string, model: string, dim: number) {
    makeDirectory(directory);
    this.#file = path.join(directory, `${model}.scores`);
    const bytes = existsSync(this.#file) ? readFileSync(this.#file) : Buffer.alloc(0);
    const size = 40 + 4 * dim;
    for (let at = 0; at + size <= bytes.length; at += size) {
      const embedding = new Float32Array(Uint8Array.from(bytes.subarray(at + 40, at + size)).buffer);
      this.#known.set(bytes.toString('hex', at, at + 32), { loss: bytes.readDoubleLE(at + 32), embedding });
    }
  }

  get(chunk: Uint8Array): CachedScore | undefined {
    return this.#known.get(Buffer.from(blake2b256(chunk)).toString('hex'));
  }

  add(chunk: Uint8Array, { loss, embedding }: CachedScore): void {
    const checksum = blake2b256(chunk);
    const record = Buffer.alloc(40);
    record.set(checksum);
    record.writeDoubleLE(loss, 32);
    const values = new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength);
    appendFileSync(this.#file, Buffer.concat([record, values]));
    this.#known.set(Buffer.from(checksum).toString('hex'), { loss, embedding });
  }
}
