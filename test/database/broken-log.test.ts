import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.js';
import { until } from '../until.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What is left of a database in {@link dir} that was written while files whose names end so could not be read. */
function writtenWhile(unreadable: '.db' | '.db-wal') {
  const library = join(dir, 'rude-disk.so');
  const control = join(dir, 'control');
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, here('../soak/rude-disk.c'), '-ldl']);
  writeFileSync(control, new Uint8Array(4096));
  const disk = { RUDE_DISK_DIR: dir, RUDE_DISK_CONTROL: control, RUDE_DISK_UNREADABLE: unreadable };
  const args = ['--import', 'tsx', here('./broken-log.ts'), join(dir, 'x.db'), control];
  const env = { ...process.env, LD_PRELOAD: library, ...disk };
  const told = JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
  // The sixth word counts reads that failed.
  expect(readFileSync(control).readUInt32LE(4 * 5)).toBeGreaterThan(0);
  return told;
}

const isLinux = process.platform === 'linux';

it.runIf(isLinux)('loses no row of a database whose write-ahead log cannot be read for a while', () => {
  const told = writtenWhile('.db-wal');
  expect(told).toMatchObject({ check: 'ok', rows: told.written });
});

it.runIf(isLinux)('does not call a database damaged when its disk fails to read it', () => {
  const told = writtenWhile('.db');
  expect(told).toMatchObject({ check: 'ok', rows: told.written, codes: ['FILE_UNREADABLE'] });
});

it('checkpoints the write-ahead log now and then, so that it does not grow without end', () => {
  const path = join(dir, 'x.db');
  const migrations = ['CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB)'];
  const database = openDatabase(path, { durability: 'process', migrations });
  const insert = database.prepare('INSERT OR REPLACE INTO t VALUES (?, ?)');
  // Both ways to write: statements of their own, and transactions.
  for (let n = 0; n < 5_000; n++) insert.run([n % 10, new Uint8Array(20_000)]);
  for (let n = 0; n < 5_000; n++) database.transaction(() => insert.run([n % 10, new Uint8Array(20_000)]));
  expect(statSync(`${path}-wal`).size).toBeLessThan(40 * 2 ** 20);
  database.close();
});

it('begins the log anew after a checkpoint, so that the next commit does not wait for the disk to do so', async () => {
  const path = join(dir, 'x.db');
  const database = openDatabase(path, { durability: 'process', migrations: ['CREATE TABLE t (b BLOB)', ''] });
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  // Each log has salts of its own in its header.
  const salts = (): string => readFileSync(`${path}-wal`).toString('hex', 16, 24);
  insert.run([new Uint8Array(9_000)]);
  const first = salts();
  await until(() => salts() !== first, 'the log began anew');
  const second = salts();
  insert.run([new Uint8Array(9_000)]);
  expect(salts()).toBe(second);
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 });
  database.close();
});
