import { IndexDatabase } from './index-database.js';

/** Looks up whether a store has a sample, without loading the store and while another process writes it. */
export class KnownSamples {
  readonly #dir: string;
  #index: IndexDatabase | undefined;

  /** @param dir directory of the store, which may not exist yet */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Whether a sample with this BLAKE2b-256 checksum has been appended. False if the index cannot be read, for example
   * while the writer creates or replaces it.
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
