import { statSync } from 'node:fs';
import { canBeRead } from './can-be-read.js';

/** Once nothing was written for so long, milliseconds, a checkpoint is due. */
const QUIET_MS = 1_000;
/** The write-ahead log may grow by so much before a checkpoint waits for no quiet. */
const GROWTH_BYTES = 32 * 2 ** 20;
/** What is left of the file of a log that was taken over. */
export const KEPT_LOG_BYTES = 4 * 2 ** 20;
/** The log's size is looked at every so many commits. */
const LOOK_EVERY = 16;

/**
 * When a database takes over what its write-ahead log holds: between bursts, because it waits for the disk. The driver's own
 * checkpoints come in the middle of them, and do not ask whether reading the log succeeded: on a disk that fails they write
 * garbage over good pages, and the database is lost. Here the log is read first, and as long as it can't be, it stays as it is.
 */
export class Checkpoints {
  readonly #logPath: string;
  readonly #checkpoint: () => void;
  #commits = 0;
  #bytes = 0;
  #quiet: NodeJS.Timeout | undefined;

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

  /** Called after every commit. Never throws. */
  committed(): void {
    if (this.#quiet === undefined) this.#quiet = setTimeout(() => this.#take(), QUIET_MS).unref();
    else this.#quiet.refresh();
    this.#commits++;
    if (this.#commits % LOOK_EVERY !== 0) return;
    const size = this.#size();
    // Taken over, a log begins anew; as long as somebody reads it, it grows on.
    if (size < this.#bytes) this.#bytes = 0;
    if (size >= this.#bytes + GROWTH_BYTES) this.#take();
  }

  /** No checkpoint comes after this. */
  stop(): void {
    clearTimeout(this.#quiet);
  }

  #take(): void {
    try {
      if (this.isSafe) this.#checkpoint();
    } catch {
      // Everything stays in the log, and is due again after the next commits.
    }
    this.#bytes = this.#size();
  }

  #size(): number {
    try {
      return statSync(this.#logPath).size;
    } catch {
      return 0;
    }
  }
}
