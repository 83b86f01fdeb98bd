import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { assertRegularFile } from '../files/regular-file.js';
import { openDatabase, type SqlDatabase } from './database.js';

/** Wait for the lock, milliseconds: {@link isLockedForWriting} briefly takes it, which must not fail a real writer. */
const PATIENCE_MS = 100;

/** Exclusive right to write to a directory, held until released or until the process ends. */
export interface WriterLock {
  /** Releases the lock: another writer may take the directory. */
  release(): void;
}

const LOCK = 'writer.lock';
const PID = 'writer.pid';

function holder(dir: string): string | undefined {
  try {
    assertRegularFile(join(dir, PID));
    return readFileSync(join(dir, PID), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Takes the writer lock of `dir`: an exclusive lock on an empty SQLite file. The operating system releases it when the
 * process dies, so there are no stale locks.
 *
 * @throws QuarryError `STORE_LOCKED` when another writer, in this process or another, holds it
 * @throws QuarryError `FILE_UNREADABLE` or `DISK_FULL` when the directory cannot be written
 */
export function lockForWriting(dir: string): WriterLock {
  let lock: SqlDatabase | undefined;
  try {
    // Rollback-journal mode: in WAL mode an exclusive transaction does not keep others out.
    lock = openRollback(join(dir, LOCK), PATIENCE_MS);
    lock.exec('BEGIN EXCLUSIVE');
    assertRegularFile(join(dir, PID));
    writeFileSync(join(dir, PID), `${process.pid}\n`);
  } catch (error) {
    if (lock !== undefined) release(lock);
    if (error instanceof QuarryError && error.code === 'STORE_LOCKED') {
      const pid = holder(dir);
      throw new QuarryError('STORE_LOCKED', `the store ${dir} is open for writing in another process`, {
        hint: 'stop the other process, or open this store read-only',
        details: { dir, pid },
        cause: error,
      });
    }
    throw toQuarryError(error, `locking ${dir}`);
  }
  const held = lock;
  return { release: () => release(held) };
}

/** Rolls back explicitly: the driver keeps a closed connection open until its statements are garbage-collected. */
function release(lock: SqlDatabase): void {
  try {
    lock.exec('ROLLBACK');
  } catch {
    // No transaction was begun.
  }
  lock.close();
}

/** Whether a writer, in this process or another, holds the lock of `dir`. False if the directory does not exist. */
export function isLockedForWriting(dir: string): boolean {
  if (!existsSync(join(dir, LOCK))) return false;
  let lock: SqlDatabase | undefined;
  try {
    lock = openRollback(join(dir, LOCK), 1);
    lock.exec('BEGIN EXCLUSIVE');
    lock.exec('ROLLBACK');
    return false;
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'STORE_LOCKED') return true;
    throw error;
  } finally {
    lock?.close();
  }
}

function openRollback(path: string, busyTimeoutMs: number): SqlDatabase {
  const options = { busyTimeoutMs, journal: 'rollback' } as const;
  try {
    return openDatabase(path, options);
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'STORE_CORRUPT') throw error;
    // A damaged lock file: it holds no data, so truncate it in place, which keeps locks that others hold on it.
    truncateSync(path);
    return openDatabase(path, options);
  }
}
