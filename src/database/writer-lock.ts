import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { openDatabase, type SqlDatabase } from './database.js';

/** Checking whether a lock is free takes it for a moment, which must not turn away a process that wants it. */
const PATIENCE_MS = 100;

/** The right to write into a directory, held until released or until the process ends. */
export interface WriterLock {
  /** Lets another writer in. */
  release(): void;
}

const LOCK = 'writer.lock';

function holder(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, 'writer.pid'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Takes the one writer's lock of `dir`. It is the exclusive lock of an empty database file, so the operating system
 * drops it when the process dies in whatever way: there is no stale lock to recover from.
 *
 * @throws QuarryError `STORE_LOCKED` when another writer, in this process or another, holds it
 * @throws QuarryError `FILE_UNREADABLE` or `DISK_FULL` when the directory cannot be written
 */
export function lockForWriting(dir: string): WriterLock {
  let lock: SqlDatabase | undefined;
  try {
    // Rollback-journal mode: in write-ahead mode an exclusive transaction lets others in.
    lock = openRollback(join(dir, LOCK), PATIENCE_MS);
    lock.exec('BEGIN EXCLUSIVE');
    writeFileSync(join(dir, 'writer.pid'), `${process.pid}\n`);
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

/** Rolls back, because the driver keeps a closed connection alive until its statements are collected. */
function release(lock: SqlDatabase): void {
  try {
    lock.exec('ROLLBACK');
  } catch {
    // It had not begun.
  }
  lock.close();
}

/** Whether a writer, in this process or another, has the lock of `dir`. False where there is no such directory. */
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
    // It is there to be locked and holds nothing. Emptied it is the same file still, with the locks that others have on it.
    truncateSync(path);
    return openDatabase(path, options);
  }
}
