/** Maximum bytes held in memory; publishing beyond that waits for the disk. */
const MAX_HELD_BYTES = 64 * 2 ** 20;
/** Delay before writing, so that disk writes do not compete with a burst of submissions. */
const PAUSE_MS = 250;

/** Write-behind buffer of published data, which is served from memory until it is on disk. */
export class UnwrittenData {
  readonly #write: (checksum: string, bytes: Uint8Array) => Promise<void>;
  readonly #held = new Map<string, Uint8Array>();
  #heldBytes = 0;
  #writing: Promise<void> | undefined;
  /** Ends the delay before writing. */
  #hurry = (): void => {};
  #failure: unknown;

  /** @param write writes bytes to disk */
  constructor(write: (checksum: string, bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  get(checksum: string): Uint8Array | undefined {
    return this.#held.get(checksum);
  }

  /**
   * Buffers bytes; returns false if the buffer is full.
   *
   * @throws the error of the last failed write, once; the data stays buffered and is retried
   */
  take(checksum: string, bytes: Uint8Array): boolean {
    if (this.#heldBytes + bytes.byteLength > MAX_HELD_BYTES) return false;
    if (!this.#held.has(checksum)) this.#heldBytes += bytes.byteLength;
    this.#held.set(checksum, bytes);
    const failure = this.#failure;
    this.#failure = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    if (failure !== undefined) throw failure;
    return true;
  }

  /** Drops bytes, and waits for writes under way, so that they cannot appear on disk later. */
  async forget(checksum: string): Promise<void> {
    this.#drop(checksum);
    await this.written();
  }

  /** Resolves when everything is on disk or a write has failed. */
  async written(): Promise<void> {
    this.#hurry();
    await this.#writing;
  }

  #drop(checksum: string): void {
    const bytes = this.#held.get(checksum);
    if (bytes === undefined) return;
    this.#held.delete(checksum);
    this.#heldBytes -= bytes.byteLength;
  }

  async #writeAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    try {
      for (let next = this.#first(); next !== undefined; next = this.#first()) {
        await this.#write(...next);
        this.#drop(next[0]);
      }
    } catch (error) {
      this.#failure = error;
    }
  }

  #first(): readonly [string, Uint8Array] | undefined {
    for (const entry of this.#held) return entry;
    return undefined;
  }
}
