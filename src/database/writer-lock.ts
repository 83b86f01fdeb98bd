import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError } from '../errors/index.js';
import { openDatabase, type SqlDatabase } from './database.js';

/** The right to write into a directory, held until released or until the process ends. */
export interface WriterLock {
  /** Lets another writer in. */
  release(): void;
}

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
 */
export function lockForWriting(dir: string): WriterLock {
  let lock: SqlDatabase | undefined;
  try {
    // Rollback-journal mode: in write-ahead mode an exclusive transaction lets others in.
    lock = openRollback(join(dir, 'writer.lock'));
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (error instanceof QuarryError && error.code === 'STORE_LOCKED') {
      const pid = holder(dir);
      throw new QuarryError('STORE_LOCKED', `the store ${dir} is open for writing elsewhere`, {
        hint: 'stop the other process, or open this store read-only',
        details: { dir, pid },
        cause: error,
      });
    }
    throw error;
  }
  writeFileSync(join(dir, 'writer.pid'), `${process.pid}\n`);
  const held = lock;
  return {
    release() {
      // Rolled back, because the driver keeps a closed connection alive until its statements are collected.
      held.exec('ROLLBACK');
      held.close();
    },
  };
}

function openRollback(path: string): SqlDatabase {
  return openDatabase(path, { busyTimeoutMs: 1, journal: 'rollback' });
}
