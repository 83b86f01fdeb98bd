import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase, type SqlDatabase } from '../../src/database/database.js';
import { GroupCommit } from '../../src/database/group-commit.js';
import { QuarryError } from '../../src/errors/index.js';

let dir: string;
let db: SqlDatabase;
let transactions: number;
let group: GroupCommit;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-group-'));
  db = openDatabase(join(dir, 'x.db'), { migrations: ['CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT'] });
  transactions = 0;
  group = new GroupCommit({
    transaction: (body) => {
      transactions++;
      return db.transaction(body);
    },
  });
});
afterEach(() => {
  db.close();
  rmSync(dir, { recursive: true });
});

const insert = (n: number) => (): void => void db.prepare('INSERT INTO t VALUES (?)').run([n]);
const all = (): unknown[] =>
  db
    .prepare('SELECT n FROM t ORDER BY n')
    .all()
    .map(({ n }) => n);

test('writes of one turn are one transaction, and are on disk once acknowledged', async () => {
  const written = Array.from({ length: 20 }, (_, n) => group.run(insert(n)).then(() => all().includes(n)));
  expect(all()).toEqual([]);
  expect(await Promise.all(written)).toEqual(Array.from({ length: 20 }, () => true));
  expect(transactions).toBe(1);
});

test('a write that fails fails alone', async () => {
  const outcomes = await Promise.allSettled([group.run(insert(1)), group.run(insert(1)), group.run(insert(2))]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({ reason: { code: 'ALREADY_EXISTS' } });
  expect(all()).toEqual([1, 2]);
});

test('an error other than a constraint fails everything in the same transaction', async () => {
  const full = new QuarryError('DISK_FULL', 'the disk is full');
  const failing = (): void => {
    db.prepare('INSERT INTO t VALUES (2)').run();
    throw full;
  };
  const outcomes = await Promise.allSettled([group.run(insert(1)), group.run(failing), group.run(insert(3))]);
  expect(outcomes).toEqual(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: full })));
  expect(all()).toEqual([]);
});

test('what is committed is told so, whatever comes of telling others', async () => {
  const told = new GroupCommit(db, () => {
    throw new Error('the mark cannot be written');
  });
  await told.run(insert(1));
  expect(all()).toEqual([1]);
});

test('the first of hundreds does not wait for the last', async () => {
  const written = Array.from({ length: 200 }, (_, n) => group.run(insert(n)));
  expect(all().length).toBeGreaterThanOrEqual(128);
  await Promise.all(written);
  expect(all()).toHaveLength(200);
});

test('a commit that fails rejects every write that waits for it', async () => {
  db.exec('CREATE TABLE parent (n INTEGER PRIMARY KEY) STRICT');
  db.exec('CREATE TABLE child (n INTEGER REFERENCES parent (n) DEFERRABLE INITIALLY DEFERRED) STRICT');
  const orphan = group.run(() => void db.prepare('INSERT INTO child VALUES (7)').run());
  const outcomes = await Promise.allSettled([orphan, group.run(insert(1))]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(all()).toEqual([]);
  await group.run(insert(1));
  expect(all()).toEqual([1]);
});

test('a patient write yields to those that follow one another, and shares one transaction with its kind', async () => {
  await group.run(insert(0));
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  const patient = [100, 101, 102].map((n) => group.runPatiently(insert(n)).then(done));
  for (let n = 1; n <= 5; n++) {
    await group.run(insert(n));
    expect(isDone).toBe(false);
  }
  expect(transactions).toBe(6);
  await Promise.all(patient);
  expect(transactions).toBe(7);
  expect(all()).toEqual([0, 1, 2, 3, 4, 5, 100, 101, 102]);
});

test('a patient write does not wait for ever', async () => {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  await group.run(insert(0));
  void group.runPatiently(insert(100_000)).then(done);
  // Without end if it does.
  for (let n = 1; !isDone; n++) {
    await group.run(insert(n));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(all()).toContain(100_000);
});

test('a patient write is committed when everything is flushed', async () => {
  const held = group.runPatiently(insert(1));
  expect(all()).toEqual([]);
  group.flush();
  expect(all()).toEqual([1]);
  await held;
});
