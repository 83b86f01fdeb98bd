import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { toQuarryError } from '../../errors/index.js';
import { assertRegularFile } from '../../files/regular-file.js';

/** Digits of the fixed-width number, which is overwritten in place by a single write. */
const WIDTH = 20;

/**
 * The id of the newest submission, in a file next to the journal. If a write-ahead log is lost or truncated, SQLite
 * opens the database as if the missing transactions had never happened; this file reveals that.
 */
export class HighWaterMark {
  readonly #fd: number;
  #value: number;

  /** @throws QuarryError `FILE_UNREADABLE` when the file cannot be opened or created */
  constructor(path: string) {
    assertRegularFile(path);
    try {
      this.#fd = open(path);
    } catch (error) {
      throw toQuarryError(error, `opening ${path}`);
    }
    this.#value = read(this.#fd);
  }

  get value(): number {
    return this.#value;
  }

  /** Survives a crash of this process, like the journal. */
  set(value: number): void {
    this.#value = value;
    writeSync(this.#fd, `${String(value).padStart(WIDTH, '0')}\n`, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'w+', 0o600);
  }
}

/** Reads the number; 0 if the file is empty or malformed. */
function read(fd: number): number {
  const bytes = Buffer.alloc(WIDTH);
  const length = readSync(fd, bytes, 0, WIDTH, 0);
  const text = bytes.toString('latin1', 0, length);
  const value = /^\d{20}$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(value) ? value : 0;
}
