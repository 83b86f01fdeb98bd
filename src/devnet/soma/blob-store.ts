/** Blobs on the devnet's own host, by name. */
export class BlobStore {
  readonly #blobs = new Map<string, Uint8Array>();
  #bytes = 0;
  readonly #maxBytes: number;

  /** @param maxBytes limit on the total size of all blobs */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(name: string): Uint8Array | undefined {
    return this.#blobs.get(name);
  }

  /** Stores `bytes` under `name`; `false` if there is no space left. */
  put(name: string, bytes: Uint8Array): boolean {
    const before = this.#blobs.get(name)?.length ?? 0;
    if (this.#bytes - before + bytes.length > this.#maxBytes) return false;
    this.#bytes += bytes.length - before;
    this.#blobs.set(name, bytes);
    return true;
  }

  delete(name: string): void {
    this.#bytes -= this.#blobs.get(name)?.length ?? 0;
    this.#blobs.delete(name);
  }
}
