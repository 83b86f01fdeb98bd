/** Bytes held in memory at most; what is published beyond them waits for the disk. */
const MAX_HELD_BYTES = 64 * 2 ** 20;
/** How long writing waits: what is published in a burst is submitted in it, and files may follow. */
const PAUSE_MS = 250;

/** Published data on its way to disk: served from memory until it is there. */
export class UnwrittenData {
  readonly #write: (checksum: string, bytes: Uint8Array) => Promise<void>;
  readonly #held = new Map<string, Uint8Array>();
  #heldBytes = 0;
  #writing: Promise<void> | undefined;
  /** Ends the pause before writing. */
  #hurry = (): void => {};
  #failure: unknown;

  /** @param write puts bytes on disk */
  constructor(write: (checksum: string, bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  get(checksum: string): Uint8Array | undefined {
    return this.#held.get(checksum);
  }

  /**
   * Takes bytes over; false when too many wait already.
   *
   * @throws what the last write failed with, once: what failed is kept and tried again
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

  /** Drops bytes, and waits until none of them can reach the disk any more. */
  async forget(checksum: string): Promise<void> {
    this.#drop(checksum);
    await this.written();
  }

  /** Resolves when everything is on disk, or cannot be written. */
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
