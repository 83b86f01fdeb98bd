import { QuarryError } from '../errors/index.js';
import type { SqlDatabase } from './database.js';

interface Entry {
  readonly write: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Writes of one transaction at most: the first of them shall not wait for hundreds. */
const MAX_GROUP = 64;

/**
 * Puts writes of one turn of the event loop into one transaction: a commit costs more than all that is in it. A write
 * that breaks a constraint fails alone; anything else that fails, such as a full disk, fails all of them.
 */
export class GroupCommit {
  readonly #db: Pick<SqlDatabase, 'transaction'>;
  readonly #onCommitted: () => void;
  #entries: Entry[] = [];

  /** @param onCommitted told after every commit, before those who wait for it; what it throws changes nothing */
  constructor(db: Pick<SqlDatabase, 'transaction'>, onCommitted: () => void = () => {}) {
    this.#db = db;
    this.#onCommitted = onCommitted;
  }

  /**
   * Runs `write` with others in one transaction, in the order of the calls.
   *
   * @returns once it is committed
   * @throws what `write` throws, or what the commit does
   */
  run(write: () => void): Promise<void> {
    if (this.#entries.length === 0) queueMicrotask(() => this.flush());
    const committed = new Promise<void>((resolve, reject) => this.#entries.push({ write, resolve, reject }));
    if (this.#entries.length >= MAX_GROUP) this.flush();
    return committed;
  }

  /** Commits what waits, now. */
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
            // The transaction may be gone already, and what follows would be written outside it.
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
      // Committed it is; the next commit tells again.
    }
    for (const entry of entries) {
      if (failed.has(entry)) entry.reject(failed.get(entry));
      else entry.resolve();
    }
  }
}
