import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase, type SqlDatabase } from '../database/database.js';
import { QuarryError } from '../errors/index.js';

const MIGRATIONS = [
  `CREATE TABLE sample (checksum BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE watermark (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`,
];

/** Samples that one statement takes: what is lost with the index may be millions. */
const PER_STATEMENT = 65_536;
/** Pages held in memory, KiB: a batch of a hundred thousand checksums touches nearly every page of the table. */
const CACHE_KIB = 65_536;

/**
 * The store's index: which checksum is which sample, and how many records of each file are committed. It holds
 * nothing that the files do not, so a lost or damaged index is built again from them.
 */
export class IndexDatabase {
  readonly rebuilt: boolean;
  readonly #db: SqlDatabase;
  readonly #find;
  readonly #findAll;
  readonly #insertAll;
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
    if (!readonly) this.#db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    this.#find = this.#db.prepare('SELECT id FROM sample WHERE checksum = ?');
    // One call of the driver costs more than the search it asks for, so that batches travel as one string of bytes.
    this.#findAll = this.#db.prepare(
      `SELECT asked.key AS at, sample.id AS id FROM json_each(?2) AS asked
       CROSS JOIN sample ON sample.checksum = substr(?1, 1 + 32 * asked.key, 32)`,
    );
    // In the order of the table, so that each of its pages is written once.
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

  /** As {@link find}, of many, in order. */
  findAll(checksums: readonly Uint8Array[]): (number | undefined)[] {
    const ids = new Array<number | undefined>(checksums.length).fill(undefined);
    for (let from = 0; from < checksums.length; from += PER_STATEMENT) {
      const part = checksums.slice(from, from + PER_STATEMENT);
      const rows = this.#findAll.all([Buffer.concat(part), JSON.stringify(Array(part.length).fill(0))]);
      for (const { at, id } of rows) ids[from + Number(at)] = Number(id);
    }
    return ids;
  }

  /** How many records each file has committed, by the file's name. */
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
