// Run with the library of `test/soak/rude-disk.c`, whose control file it is given: writes to a database while it, or its
// write-ahead log, cannot be read, and tells what is left of it.
import { openSync, writeSync } from 'node:fs';
import { openDatabase, type SqlDatabase } from '../../src/database/database.js';
import { toQuarryError } from '../../src/errors/index.js';

const [path = '', control = ''] = process.argv.slice(2);
const READ_ERRORS = 4;
/** Of 40 KB: together more than a log grows before it is taken over in the middle of writing. */
const ROWS = 1_800;

const word = openSync(control, 'r+');
const breakDisk = (fault: number): void => void writeSync(word, Uint32Array.of(fault), 0, 4, 0);
const migrations = ['CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)'];
const codes = new Set<string>();
let written = 0;
const write = (to: SqlDatabase, count: number): void => {
  const insert = to.prepare('INSERT INTO t (b) VALUES (?)');
  const read = to.prepare('SELECT b FROM t WHERE n = ?');
  for (let n = 0; n < count; n++) {
    try {
      to.transaction(() => insert.run([new Uint8Array(40_000)]));
      written++;
      read.get([n + 1]);
    } catch (error) {
      // It needed a page that the disk does not give.
      codes.add(toQuarryError(error, 'writing').code);
    }
  }
};
const before = openDatabase(path, { durability: 'process', migrations });
write(before, ROWS / 9);
before.close();
const database = openDatabase(path, { durability: 'process', migrations });
write(database, ROWS / 9);
breakDisk(READ_ERRORS);
write(database, ROWS);
// The last to close would take over what the log holds.
database.close();
breakDisk(0);
const again = openDatabase(path);
const [check] = again.prepare('PRAGMA integrity_check').all();
const rows = again.prepare('SELECT count(*) AS rows FROM t').get()?.['rows'];
process.stdout.write(JSON.stringify({ check: check?.['integrity_check'], rows, written, codes: [...codes] }));
