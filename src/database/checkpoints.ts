import { statSync } from 'node:fs';
import { canBeRead } from './can-be-read.js';

/** A checkpoint is due when so many commits were made, or the write-ahead log grew by so much, since the last one. */
const COMMITS = 256;
const GROWTH_BYTES = 4 * 2 ** 20;
/** The log's size is looked at every so many commits. */
const LOOK_EVERY = 16;

/**
 * When a database takes over what its write-ahead log holds. The driver's own checkpoints do not ask whether reading the log
 * succeeded: on a disk that fails they write garbage over good pages, and the database is lost. Here the log is read first,
 * and as long as it can't be, it stays as it is.
 */
export class Checkpoints {
  readonly #logPath: string;
  readonly #checkpoint: () => void;
  #commits = 0;
  #bytes = 0;

  /**
   * @param path of the database
   * @param checkpoint asks the driver for one that waits for no reader
   */
  constructor(path: string, checkpoint: () => void) {
    this.#logPath = `${path}-wal`;
    this.#checkpoint = checkpoint;
  }

  /** Whether a checkpoint does no harm, also the one that the last connection makes when it is closed. */
  get isSafe(): boolean {
    return canBeRead(this.#logPath);
  }

  /** Called after every commit. Never throws: what fails here leaves everything in the log, and is tried again. */
  committed(): void {
    this.#commits++;
    if (this.#commits % LOOK_EVERY !== 0) return;
    try {
      const { size } = statSync(this.#logPath);
      if (this.#commits < COMMITS && size < this.#bytes + GROWTH_BYTES) return;
      this.#commits = 0;
      this.#bytes = size;
      if (this.isSafe) this.#checkpoint();
    } catch {
      // Due again in a while.
    }
  }
}
