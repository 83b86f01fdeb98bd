import { statSync } from 'node:fs';
import { canBeRead } from './can-be-read.js';

/** A checkpoint runs after this long without a commit, milliseconds. */
const QUIET_MS = 1_000;
/** Growth of the write-ahead log after which a checkpoint no longer waits for a quiet moment. */
const GROWTH_BYTES = 32 * 2 ** 20;
/** Size to which a checkpointed log file is truncated. */
export const KEPT_LOG_BYTES = 4 * 2 ** 20;
/** Commits between checks of the log's size. */
const LOOK_EVERY = 16;

/**
 * Schedules WAL checkpoints between bursts of writes, because a checkpoint waits for the disk. SQLite's automatic ones
 * run in the middle of bursts and do not check whether reading the log succeeded: on a failing disk they overwrite good
 * pages with garbage and destroy the database. So the log is first read completely, and left alone while that fails.
 */
export class Checkpoints {
  readonly #logPath: string;
  readonly #checkpoint: () => void;
  #commits = 0;
  #bytes = 0;
  #quiet: NodeJS.Timeout | undefined;

  /**
   * @param path path of the database
   * @param checkpoint runs a checkpoint that does not wait for readers
   */
  constructor(path: string, checkpoint: () => void) {
    this.#logPath = `${path}-wal`;
    this.#checkpoint = checkpoint;
  }

  /** Whether a checkpoint is safe, including the implicit one when the last connection closes. */
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
    // A checkpointed log restarts from the beginning, unless a reader still uses it; then it keeps growing.
    if (size < this.#bytes) this.#bytes = 0;
    if (size >= this.#bytes + GROWTH_BYTES) this.#take();
  }

  /** Cancels the pending checkpoint. */
  stop(): void {
    clearTimeout(this.#quiet);
  }

  #take(): void {
    try {
      if (this.isSafe) this.#checkpoint();
    } catch {
      // The log is unchanged; a checkpoint is due again after the next commits.
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
