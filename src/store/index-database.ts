import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type SqlDatabase } from '../database/database.js';
import { QuarryError } from '../errors/index.js';

/** Name of the index in a store's directory. A store without one is empty or unfinished. */
export const INDEX_FILE = 'index.db';

const MIGRATIONS = [
  `CREATE TABLE sample (checksum BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE watermark (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`,
];

/** Samples per statement. Rebuilding the index may insert millions. */
const PER_STATEMENT = 65_536;
/** Page cache, KiB. A batch of a hundred thousand checksums touches nearly every page of the table. */
const CACHE_KIB = 65_536;

/**
 * The store's index: maps checksums to sample ids, and holds how many records of each file are committed. It is
 * redundant: a lost or damaged index is rebuilt from the files.
 */
export class IndexDatabase {
  readonly rebuilt: boolean;
  readonly #db: SqlDatabase;
  readonly #find;
  readonly #findAll;
  readonly #insertAll;
  readonly #mark;

  constructor(dir: string, readonly: boolean) {
    const path = join(dir, INDEX_FILE);
    const open = (): SqlDatabase =>
      // The files hold everything and are flushed first, so power loss may lose the index's newest transactions.
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
    if (!readonly) this.#db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    this.#find = this.#db.prepare('SELECT id FROM sample WHERE checksum = ?');
    // A driver call costs more than the lookup itself, so a batch is passed as one byte string.
    this.#findAll = this.#db.prepare(
      `SELECT asked.key AS at, sample.id AS id FROM json_each(?2) AS asked
       CROSS JOIN sample ON sample.checksum = substr(?1, 1 + 32 * asked.key, 32)`,
    );
    // Insert in table order, so that each page is written once.
    this.#insertAll = this.#db.prepare(
      `INSERT OR REPLACE INTO sample (checksum, id)
       SELECT substr(?1, 1 + 32 * key, 32) AS checksum, value FROM json_each(?2) ORDER BY checksum`,
    );
    this.#mark = this.#db.prepare('INSERT OR REPLACE INTO watermark (name, count) VALUES (?, ?)');
  }

  find(checksum: Uint8Array): number | undefined {
    const row = this.#find.get([checksum]);
    return row === undefined ? undefined : Number(row['id']);
  }

  /** Like {@link find}, for many checksums, in order. */
  findAll(checksums: readonly Uint8Array[]): (number | undefined)[] {
    const ids = new Array<number | undefined>(checksums.length).fill(undefined);
    for (let from = 0; from < checksums.length; from += PER_STATEMENT) {
      const part = checksums.slice(from, from + PER_STATEMENT);
      const rows = this.#findAll.all([Buffer.concat(part), JSON.stringify(Array(part.length).fill(0))]);
      for (const { at, id } of rows) ids[from + Number(at)] = Number(id);
    }
    return ids;
  }

  /** Number of committed records by file name. */
  watermarks(): Map<string, number> {
    const rows = this.#db.prepare('SELECT name, count FROM watermark').all();
    return new Map(rows.map((row) => [String(row['name']), Number(row['count'])]));
  }

  commit(name: string, count: number, samples: Iterable<readonly [Uint8Array, number]> = []): void {
    this.#db.transaction(() => {
      for (const part of parts(samples, PER_STATEMENT)) {
        const checksums = Buffer.concat(part.map(([checksum]) => checksum));
        this.#insertAll.run([checksums, JSON.stringify(part.map(([, id]) => id))]);
      }
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

function* parts<T>(all: Iterable<T>, most: number): Generator<T[]> {
  let part: T[] = [];
  for (const one of all) {
    part.push(one);
    if (part.length < most) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
