import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openDatabase, type SqlDatabase, type SqlValue } from '../../src/database/database.js';
import { QuarryError } from '../../src/errors/index.js';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS } from './hostile.js';

const value: fc.Arbitrary<SqlValue> = fc.constantFrom(
  null,
  -1,
  0.5,
  1e308,
  Number.POSITIVE_INFINITY,
  -(2n ** 63n),
  new Uint8Array(0),
  new Uint8Array(40).fill(255),
  ...HOSTILE_NUMBERS.map((number) => BigInt.asIntN(64, number)),
  ...HOSTILE_NUMBERS.map(String),
  ...HOSTILE_TEXTS,
);
const edit = fc.record({ table: fc.nat(50), column: fc.nat(50), row: fc.nat(9), value });

/** The journal of a seed with values in its rows that no miner wrote; every rule of the schema that can be is off. */
export function journalLies(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    const dir = mkdtempSync(join(tmpdir(), 'quarry-fuzz-'));
    try {
      const path = join(dir, 'journal.db');
      writeFileSync(path, seed);
      const database = openDatabase(path, { journal: 'rollback', durability: 'process' });
      database.exec('PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0');
      for (const each of edits) tell(database, each);
      database.close();
      return readFileSync(path);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

function tell(
  database: SqlDatabase,
  { table, column, row, value }: { table: number; column: number; row: number; value: SqlValue },
): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const name = String(tables[table % tables.length]?.['name']);
  const columns = database.prepare(`PRAGMA table_info("${name}")`).all();
  const field = String(columns[column % columns.length]?.['name']);
  try {
    database
      .prepare(`UPDATE "${name}" SET "${field}" = ? WHERE rowid = (SELECT rowid FROM "${name}" LIMIT 1 OFFSET ?)`)
      .run([value, row]);
  } catch (error) {
    // A rule that cannot be turned off, such as NOT NULL.
    if (!(error instanceof QuarryError) || error.code === 'STORE_LOCKED') throw error;
  }
}
