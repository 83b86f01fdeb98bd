import { QuarryError } from '../errors/index.js';
import type { SqlDatabase } from './database.js';

interface Entry {
  readonly write: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Maximum writes per transaction, so that the first does not wait for hundreds of others. */
const MAX_GROUP = 64;
/** A patient write waits until no other write has come for this long, milliseconds. */
const QUIET_MS = 5;
/** A patient write waits at most this many times {@link QUIET_MS}. */
const MAX_SPELLS = 10;

/**
 * Group commit: runs all writes of one event-loop turn in one transaction, because the commit costs more than the
 * writes. Writes that can wait are kept out of the way of those that cannot. A write that violates a constraint fails
 * alone; any other error, such as a full disk, fails the whole group.
 */
export class GroupCommit {
  readonly #db: Pick<SqlDatabase, 'transaction'>;
  readonly #onCommitted: () => void;
  #entries: Entry[] = [];
  #patient: Entry[] = [];
  #patience: NodeJS.Timeout | undefined;
  /** Whether a write has come since the patient ones were last considered. */
  #isBusy = false;

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
    if (this.#entries.length === 0) queueMicrotask(() => this.#flushUrgent());
    const committed = new Promise<void>((resolve, reject) => this.#entries.push({ write, resolve, reject }));
    this.#isBusy = true;
    if (this.#entries.length >= MAX_GROUP) this.#flushUrgent();
    return committed;
  }

  /**
   * Like {@link run}, for a write that nobody waits for: it is held back while others follow one another, at most for
   * {@link MAX_SPELLS}, and shares its transaction with all that were.
   */
  runPatiently(write: () => void): Promise<void> {
    if (this.#patient.length === 0) this.#wait(1);
    const committed = new Promise<void>((resolve, reject) => this.#patient.push({ write, resolve, reject }));
    if (this.#patient.length >= MAX_GROUP) this.#flushPatient();
    return committed;
  }

  /** Commits all queued writes now. */
  flush(): void {
    this.#flushUrgent();
    this.#flushPatient();
  }

  #wait(spell: number): void {
    this.#isBusy = false;
    this.#patience = setTimeout(() => {
      if (this.#isBusy && spell < MAX_SPELLS) this.#wait(spell + 1);
      else this.#flushPatient();
    }, QUIET_MS);
  }

  #flushUrgent(): void {
    const entries = this.#entries;
    this.#entries = [];
    this.#commit(entries);
  }

  #flushPatient(): void {
    clearTimeout(this.#patience);
    const entries = this.#patient;
    this.#patient = [];
    this.#commit(entries);
  }

  #commit(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
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
