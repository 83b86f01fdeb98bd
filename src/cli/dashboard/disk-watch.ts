import { statfs } from 'node:fs/promises';

const EVERY_MS = 10_000;

/** Free bytes on the disk of a directory, polled every ten seconds. */
export class DiskWatch {
  readonly #dir: string;
  readonly #timer: NodeJS.Timeout;
  /** `undefined` if unknown. */
  freeBytes: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  /** Reads the value now. */
  async look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#dir);
      this.freeBytes = bavail * bsize;
    } catch {
      this.freeBytes = undefined;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
