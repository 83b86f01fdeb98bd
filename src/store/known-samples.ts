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
   * Whether a sample with this BLAKE2b-256 checksum is known to have been appended; false where that cannot be read, as while
   * the writer makes its index or sets a damaged one aside.
   */
  has(checksum: Uint8Array): boolean {
    try {
      this.#index ??= new IndexDatabase(this.#dir, true);
      return this.#index.find(checksum) !== undefined;
    } catch {
      this.close();
      return false;
    }
  }

  /** Closes the index. */
  close(): void {
    this.#index?.close();
    this.#index = undefined;
  }
}
