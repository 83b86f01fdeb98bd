import { statfs } from 'node:fs/promises';

const EVERY_MS = 10_000;

/** Free bytes of the disk a directory lies on, looked at every ten seconds. */
export class DiskWatch {
  readonly #dir: string;
  readonly #timer: NodeJS.Timeout;
  /** `undefined` where it is not known. */
  freeBytes: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  /** Looks now. */
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
