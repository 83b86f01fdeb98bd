// Run with the library of `test/soak/rude-disk.c`, whose control file it is given: writes to a database while it, or its
// write-ahead log, cannot be read, and tells what is left of it.
import { openSync, writeSync } from 'node:fs';
import { openDatabase } from '../../src/database/database.js';
import { toQuarryError } from '../../src/errors/index.js';

const [path = '', control = ''] = process.argv.slice(2);
const READ_ERRORS = 4;
const ROWS = 900;

const word = openSync(control, 'r+');
const breakDisk = (fault: number): void => void writeSync(word, Uint32Array.of(fault), 0, 4, 0);
const database = openDatabase(path, {
  durability: 'process',
  migrations: ['CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)'],
});
const insert = database.prepare('INSERT INTO t (b) VALUES (?)');
const codes = new Set<string>();
let written = 0;
for (let n = 0; n < ROWS; n++) {
  if (n === ROWS / 9) breakDisk(READ_ERRORS);
  try {
    database.transaction(() => insert.run([new Uint8Array(8_000)]));
    written++;
  } catch (error) {
    // It needed a page that the disk does not give.
    codes.add(toQuarryError(error, 'writing').code);
  }
}
// The last to close would take over what the log holds.
database.close();
breakDisk(0);
const again = openDatabase(path);
const [check] = again.prepare('PRAGMA integrity_check').all();
const rows = again.prepare('SELECT count(*) AS rows FROM t').get()?.['rows'];
process.stdout.write(JSON.stringify({ check: check?.['integrity_check'], rows, written, codes: [...codes] }));
