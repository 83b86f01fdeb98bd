import { QuarryError } from '../errors/index.js';
import type { SqlDatabase } from './database.js';

interface Entry {
  readonly write: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Maximum writes per transaction, so that the first does not wait for hundreds of others. */
const MAX_GROUP = 64;

/**
 * Group commit: runs all writes of one event-loop turn in one transaction, because the commit costs more than the
 * writes. A write that violates a constraint fails alone; any other error, such as a full disk, fails the whole group.
 */
export class GroupCommit {
  readonly #db: Pick<SqlDatabase, 'transaction'>;
  readonly #onCommitted: () => void;
  #entries: Entry[] = [];

  /** @param onCommitted called after every commit, before the promises resolve; its exceptions are ignored */
  constructor(db: Pick<SqlDatabase, 'transaction'>, onCommitted: () => void = () => {}) {
    this.#db = db;
    this.#onCommitted = onCommitted;
  }

  /**
   * Queues `write` for the next group. Writes run in the order of the calls.
   *
   * @returns a promise that resolves once the transaction is committed
   * @throws whatever `write` or the commit throws
   */
  run(write: () => void): Promise<void> {
    if (this.#entries.length === 0) queueMicrotask(() => this.flush());
    const committed = new Promise<void>((resolve, reject) => this.#entries.push({ write, resolve, reject }));
    if (this.#entries.length >= MAX_GROUP) this.flush();
    return committed;
  }

  /** Commits queued writes now. */
  flush(): void {
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    const failed = new Map<Entry, unknown>();
    try {
      this.#db.transaction(() => {
        for (const entry of entries) {
          try {
            entry.write();
          } catch (error) {
            // After other errors the transaction may already be rolled back, and later writes would run outside it.
            if (!(error instanceof QuarryError) || error.code !== 'ALREADY_EXISTS') throw error;
            failed.set(entry, error);
          }
        }
      });
    } catch (error) {
      for (const entry of entries) entry.reject(failed.get(entry) ?? error);
      return;
    }
    try {
      this.#onCommitted();
    } catch {
      // The transaction is committed regardless; the callback runs again after the next one.
    }
    for (const entry of entries) {
      if (failed.has(entry)) entry.reject(failed.get(entry));
      else entry.resolve();
    }
  }
}
