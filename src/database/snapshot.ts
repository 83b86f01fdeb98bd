import { openDatabase } from './database.js';

/**
 * Copies a consistent snapshot of a database that may be in use. `to` must not exist.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when there is no database at `from`, `DISK_FULL`, `STORE_CORRUPT`
 */
export function snapshotDatabase(from: string, to: string): void {
  const source = openDatabase(from, { mustExist: true });
  try {
    source.prepare('VACUUM INTO ?').run([to]);
  } finally {
    source.close();
  }
}
