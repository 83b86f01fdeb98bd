import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type SqlDatabase } from '../database/database.js';
import { QuarryError } from '../errors/index.js';

const MIGRATIONS = [
  `CREATE TABLE sample (checksum BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE watermark (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`,
];

/**
 * The store's index: which checksum is which sample, and how many records of each file are committed. It holds
 * nothing that the files do not, so a lost or damaged index is built again from them.
 */
export class IndexDatabase {
  readonly rebuilt: boolean;
  readonly #db: SqlDatabase;
  readonly #find;
  readonly #insert;
  readonly #mark;

  constructor(dir: string, readonly: boolean) {
    const path = join(dir, 'index.db');
    const open = (): SqlDatabase =>
      // The files are flushed before the index and hold everything, so power loss may take the index's last step.
      openDatabase(path, { readonly, durability: 'process', migrations: MIGRATIONS });
    let rebuilt = !readonly && !existsSync(path);
    try {
      this.#db = open();
    } catch (error) {
      if (readonly || !(error instanceof QuarryError) || error.code !== 'STORE_CORRUPT') throw error;
      renameSync(path, `${path}.damaged`);
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
      this.#db = open();
      rebuilt = true;
    }
    this.rebuilt = rebuilt;
    this.#find = this.#db.prepare('SELECT id FROM sample WHERE checksum = ?');
    this.#insert = this.#db.prepare('INSERT OR REPLACE INTO sample (checksum, id) VALUES (?, ?)');
    this.#mark = this.#db.prepare('INSERT OR REPLACE INTO watermark (name, count) VALUES (?, ?)');
  }

  find(checksum: Uint8Array): number | undefined {
    const row = this.#find.get([checksum]);
    return row === undefined ? undefined : Number(row['id']);
  }

  /** How many records each file has committed, by the file's name. */
  watermarks(): Map<string, number> {
    const rows = this.#db.prepare('SELECT name, count FROM watermark').all();
    return new Map(rows.map((row) => [String(row['name']), Number(row['count'])]));
  }

  commit(name: string, count: number, samples: Iterable<readonly [Uint8Array, number]> = []): void {
    this.#db.transaction(() => {
      for (const [checksum, id] of samples) this.#insert.run([checksum, id]);
      this.#mark.run([name, count]);
    });
  }

  forgetSamplesFrom(id: number): void {
    this.#db.prepare('DELETE FROM sample WHERE id >= ?').run([id]);
  }

  forgetFile(name: string): void {
    this.#db.prepare('DELETE FROM watermark WHERE name = ?').run([name]);
  }

  close(): void {
    this.#db.close();
  }
}
