import { QuarryError } from '../errors/index.js';
import { IndexDatabase } from './index-database.js';

/** Which bytes a store has, read beside its writer and without loading the store. Close it when done. */
export class KnownSamples {
  readonly #dir: string;
  #index: IndexDatabase | undefined;

  /** @param dir of the store, which may not be there yet */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Whether a sample with this BLAKE2b-256 checksum was ever appended.
   *
   * @throws QuarryError `STORE_CORRUPT` when the store's index is damaged
   */
  has(checksum: Uint8Array): boolean {
    try {
      this.#index ??= new IndexDatabase(this.#dir, true);
      return this.#index.find(checksum) !== undefined;
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return false;
      throw error;
    }
  }

  /** Closes the index. */
  close(): void {
    this.#index?.close();
  }
}
