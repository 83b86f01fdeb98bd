import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { toQuarryError } from '../../errors/index.js';

/** A decimal number, padded, and a newline: overwritten in place, so that no write is ever half of two. */
const WIDTH = 20;

/**
 * The id of the newest submission, kept in a file of its own beside the journal. SQLite opens a database whose
 * write-ahead log was lost or cut short as if the missing transactions had never been; this witness knows better.
 */
export class HighWaterMark {
  readonly #fd: number;
  #value: number;

  /** @throws QuarryError `FILE_UNREADABLE` when the file can be neither opened nor made */
  constructor(path: string) {
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

  /** Survives the death of this process, like the journal. */
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

/** What the file says; 0 for anything that is not a number of ours. */
function read(fd: number): number {
  const bytes = Buffer.alloc(WIDTH);
  const length = readSync(fd, bytes, 0, WIDTH, 0);
  const text = bytes.toString('latin1', 0, length);
  const value = /^\d{20}$/.test(text) ? Number(text) : 0;
  return Number.isSafeInteger(value) ? value : 0;
}
