import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { openJournalHistory } from '../../src/miner/journal/journal-history.js';
import { JOURNAL_MIGRATIONS } from '../../src/miner/journal/journal-schema.js';
import type { JournalTotals } from '../../src/miner/journal/journal-totals.js';
import { until } from '../until.js';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-journal-'));
  path = join(dir, 'journal.db');
});
afterEach(() => rm(dir, { recursive: true }));

/** What the totals must be, by reading every row. */
function recount(): JournalTotals {
  const database = openDatabase(path, { readonly: true });
  const submissions = database.prepare('SELECT state, fee FROM submissions').all();
  const claims = database.prepare('SELECT state, received, fee FROM claims').all();
  database.close();
  const count = (rows: typeof claims, ...states: string[]) =>
    rows.filter((row) => states.includes(String(row['state']))).length;
  const sum = (rows: typeof claims, name: string) =>
    rows.reduce((total, row) => total + BigInt(String(row[name] ?? 0)), 0n);
  return {
    accepted: count(submissions, 'accepted'),
    lost: count(submissions, 'lost'),
    rejected: count(submissions, 'rejected'),
    pending: count(submissions, 'built', 'unknown'),
    claimed: count(claims, 'claimed'),
    unclaimed: count(claims, 'waiting', 'built'),
    receivedShannons: sum(claims, 'received'),
    feesShannons: sum(submissions, 'fee') + sum(claims, 'fee'),
  };
}

function submit(journal: Journal, n: number): string {
  const digest = `digest ${n}`;
  journal.submissions.record({
    targetId: `0x${String(n).padStart(4, '0')}`,
    checksum: 'c'.repeat(64),
    modelId: '0x1',
    digest,
    signed: Uint8Array.of(1, 2, 3),
    epoch: BigInt(n % 5),
    bondShannons: 1000n + BigInt(n),
    rewardShannons: 5n,
  });
  return digest;
}

/** Everything that can happen to a journal, in a fixed mixture. */
function fill(journal: Journal, count: number): void {
  for (let n = 0; n < count; n++) {
    const digest = submit(journal, n);
    const states = ['accepted', 'lost', 'rejected', 'unknown', undefined] as const;
    const state = states[n % 5];
    // More than 2^53 in all.
    const feeShannons = 2n ** 52n + BigInt(n);
    if (state !== undefined)
      journal.submissions.recordOutcome(digest, state, state === 'unknown' ? {} : { feeShannons });
    if (state === 'unknown' && n % 2 === 0) journal.submissions.recordOutcome(digest, 'accepted', { feeShannons: 7n });
    if (n % 3 === 0) journal.claims.note(`0xe${n}`, 2n, false);
  }
  let n = 0;
  for (const { targetId } of journal.claims.due(5n)) {
    const step = n++ % 5;
    if (step > 0) journal.claims.record(targetId, `claim ${n}`, Uint8Array.of(9));
    if (step === 2)
      journal.claims.recordOutcome(targetId, 'claimed', { receivedShannons: 2n ** 52n + 3n, feeShannons: 11n });
    if (step === 3) journal.claims.recordOutcome(targetId, 'gone');
    if (step === 4) journal.claims.recordOutcome(targetId, 'waiting');
  }
}

describe('the totals of a journal', () => {
  it('are those of its rows, whatever happened to them', () => {
    const journal = new Journal(path, () => 1);
    expect(journal.totals()).toEqual(recount());
    fill(journal, 300);
    const totals = recount();
    expect(journal.totals()).toEqual(totals);
    for (const value of Object.values(totals)) expect(Number(value)).toBeGreaterThan(0);
    journal.close();
    const again = new Journal(path, () => 1);
    expect(again.totals()).toEqual(totals);
    again.close();
  });

  it('follow a fee that changes by itself, a state that does, and both at once', () => {
    const journal = new Journal(path, () => 1);
    const digest = submit(journal, 1);
    const writer = openDatabase(path);
    for (const change of [
      `fee = '7'`,
      `state = 'unknown'`,
      `state = 'lost', live = NULL, fee = '12'`,
      `fee = NULL`,
      `state = 'built', live = 1, fee = '3'`,
      `state = 'built', fee = '3'`,
    ]) {
      writer.exec(`UPDATE submissions SET ${change} WHERE digest = '${digest}'`);
      expect(journal.totals(), change).toEqual(recount());
    }
    writer.close();
    journal.close();
  });

  it('are counted once when a journal of the first version is opened', () => {
    openDatabase(path, { migrations: JOURNAL_MIGRATIONS.slice(0, 1) }).close();
    const old = openDatabase(path);
    for (const [n, state] of (['accepted', 'accepted', 'lost', 'built', 'unknown'] as const).entries()) {
      old
        .prepare(`INSERT INTO submissions VALUES (NULL, ?, 'c', '0x1', ?, x'', ?, NULL, '1', '10', '5', ?, 1, 1)`)
        .run([`0x${n}`, `d${n}`, state, state === 'built' ? null : String(100 + n)]);
    }
    old.exec(
      `INSERT INTO claims VALUES ('0x0', '3', 'claimed', 1, 'x', NULL, '900', '8'), ('0x1', '3', 'waiting', 1, NULL, NULL, NULL, NULL)`,
    );
    old.close();
    const journal = new Journal(path, () => 1);
    expect(journal.totals()).toEqual(recount());
    expect(journal.totals()).toMatchObject({
      accepted: 2,
      pending: 2,
      claimed: 1,
      unclaimed: 1,
      receivedShannons: 900n,
    });
    journal.submissions.recordOutcome('d3', 'accepted', { feeShannons: 1n });
    expect(journal.totals()).toEqual(recount());
    journal.close();
  });

  it.each(JOURNAL_MIGRATIONS.map((_, version) => version + 1))(
    'and rows survive the way from version %i',
    (version) => {
      const old = openDatabase(path, { migrations: JOURNAL_MIGRATIONS.slice(0, version) });
      old.exec(
        `INSERT INTO submissions (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, fee, created_ms)
       VALUES ('0x1', 'c', '0x1', 'd1', x'010203', 'unknown', '4', '10', '5', NULL, 7)`,
      );
      old.close();
      const journal = new Journal(path, () => 1);
      journal.submissions.recordOutcome('d1', 'accepted', { feeShannons: 3n });
      expect(journal.totals()).toEqual(recount());
      expect(journal.totals()).toMatchObject({ accepted: 1, pending: 0, unclaimed: 1 });
      journal.close();
      const history = openJournalHistory(path);
      expect([...history.submissions()]).toMatchObject([{ targetId: '0x1', epoch: 4n, feeShannons: 3n, atMs: 7 }]);
      history.close();
    },
  );

  it('take the same time however many rows there are', () => {
    const journal = new Journal(path, () => 1);
    const timeOf = (): number => {
      const times = Array.from({ length: 30 }, () => {
        const begin = performance.now();
        journal.totals();
        return performance.now() - begin;
      });
      return times.sort((a, b) => a - b)[15]!;
    };
    fill(journal, 50);
    const few = timeOf();
    const writer = openDatabase(path);
    writer.exec(`WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
      INSERT INTO submissions SELECT NULL, '0x' || i, 'c', '0x1', 'd' || i, x'', 'accepted', 1, NULL, '1', '10', '5', '3', 1, 1,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM n`);
    writer.close();
    expect(journal.totals()).toEqual(recount());
    expect(timeOf()).toBeLessThan(few * 8 + 1);
    journal.close();
  });
});

describe('a target', () => {
  it('has at most one live submission, also in a journal of an earlier version', () => {
    const old = openDatabase(path, { migrations: JOURNAL_MIGRATIONS.slice(0, 8) });
    for (const [n, state] of ['lost', 'rejected', 'accepted'].entries()) {
      old.exec(
        `INSERT INTO submissions (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, created_ms)
         VALUES ('0x000${n}', 'c', '0x1', 'd${n}', x'', '${state}', '4', '10', '5', 7)`,
      );
    }
    old.close();
    const journal = new Journal(path, () => 1);
    expect(['0x0000', '0x0001', '0x0002'].map((id) => journal.submissions.isLive(id))).toEqual([false, false, true]);
    submit(journal, 0);
    submit(journal, 1);
    for (const n of [0, 1, 2])
      expect(() => submit(journal, n)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
    journal.submissions.recordOutcome('digest 0', 'lost');
    expect(journal.submissions.isLive('0x0000')).toBe(false);
    submit(journal, 0);
    expect(journal.submissions.unsettled().map(({ digest }) => digest)).toEqual(['digest 1', 'digest 0']);
    journal.close();
  });

  it('is looked up, like whatever is open, without reading all that was ever submitted', () => {
    const journal = new Journal(path, () => 1);
    const { claims, submissions } = journal;
    const timeOf = (): number => {
      const begin = performance.now();
      for (let n = 0; n < 300; n++) {
        submissions.isLive(`0xabsent${n}`);
        submissions.bondOf('0x0000');
        submissions.unsettled();
        submissions.recordOutcome('absent', 'lost');
        claims.hasDue(2n);
        claims.countDue(2n);
        claims.bondsOut();
        [...claims.due(2n)];
      }
      return performance.now() - begin;
    };
    fill(journal, 5);
    timeOf();
    const few = timeOf();
    const writer = openDatabase(path);
    writer.exec(`WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
      INSERT INTO submissions (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, created_ms)
      SELECT '0x' || i, 'c', '0x1', 'd' || i, x'', 'accepted', '1', '10', '5', 1 FROM n`);
    writer.exec(`INSERT INTO claims SELECT target_id, '3', 'claimed', 1, NULL, NULL, '1', '1', 1 FROM submissions
      WHERE target_id > '0x0999'`);
    writer.close();
    expect(timeOf()).toBeLessThan(few * 8 + 50);
    journal.close();
  });
});

describe('claims that are due', () => {
  it('come with those first that were sent, whose signed bytes are kept as long as they may be sent again', () => {
    const journal = new Journal(path, () => 1);
    for (const id of ['0x1', '0x2', '0x3']) expect(journal.claims.note(id, 0n, true)).toBe(true);
    expect(journal.claims.note('0x2', 0n, true)).toBe(false);
    journal.claims.record('0x3', 'd3', Uint8Array.of(7));
    expect([...journal.claims.due(0n)].map(({ targetId }) => targetId)).toEqual(['0x3', '0x1', '0x2']);
    expect(journal.claims.signed()).toEqual([Uint8Array.of(7)]);
    journal.claims.recordOutcome('0x3', 'claimed', { receivedShannons: 5n, feeShannons: 1n });
    expect(journal.claims.find('0x3')).toMatchObject({ state: 'claimed', signed: undefined });
    journal.close();
  });

  it('come in the order of their epochs', () => {
    const journal = new Journal(path, () => 1);
    for (const [id, epoch] of [
      ['0x1', 9n],
      ['0x2', 10n],
      ['0x3', 1n],
      ['0x4', 11n],
    ] as const)
      journal.claims.note(id, epoch, true);
    expect([...journal.claims.due(10n)].map(({ targetId }) => targetId)).toEqual(['0x3', '0x1', '0x2']);
    expect(journal.claims.countDue(10n)).toBe(3);
    journal.close();
  });

  it('come each once, in pages, however their states change meanwhile', () => {
    const journal = new Journal(path, () => 1);
    expect(journal.claims.hasDue(9n)).toBe(false);
    for (let n = 0; n < 200; n++) journal.claims.note(`0x${n}`, BigInt(n % 4), true);
    expect(journal.claims.hasDue(0n)).toBe(true);
    const seen: string[] = [];
    for (const claim of journal.claims.due(2n)) {
      expect(claim.dueEpoch).toBeLessThanOrEqual(2n);
      seen.push(claim.targetId);
      journal.claims.recordOutcome(claim.targetId, seen.length % 3 === 0 ? 'waiting' : 'claimed');
    }
    expect(new Set(seen).size).toBe(150);
    expect(seen).toHaveLength(150);
    expect([...journal.claims.due(2n)]).toHaveLength(50);
    journal.close();
  });

  it('know the bond of what was accepted, and of nothing else', () => {
    const journal = new Journal(path, () => 1);
    const first = submit(journal, 1);
    expect(journal.submissions.bondOf('0x0001')).toBe(0n);
    journal.submissions.recordOutcome(first, 'accepted');
    expect(journal.submissions.bondOf('0x0001')).toBe(1001n);
    expect(journal.submissions.bondOf('0x0002')).toBe(0n);
    journal.close();
  });
});

describe('the log of a journal', () => {
  /** Submissions that are in the database itself. */
  function moved(): number {
    const alone = join(dir, 'alone.db');
    copyFileSync(path, alone);
    const database = openDatabase(alone);
    const isMade = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'submissions'").get() !== undefined;
    const count = isMade ? database.prepare('SELECT COUNT(*) AS n FROM submissions').get()?.['n'] : 0;
    database.close();
    return Number(count);
  }

  it('moves into the database when a burst is over, and not before', async () => {
    const journal = new Journal(path, () => 1);
    // More than SQLite would leave in the log by itself: three pages each. No timer fires meanwhile.
    for (let n = 0; n < 600; n++) {
      await journal.together(() =>
        journal.submissions.insert({
          targetId: `0x${String(n).padStart(4, '0')}`,
          checksum: 'c'.repeat(64),
          modelId: '0x1',
          digest: `digest ${n}`,
          signed: new Uint8Array(9_000),
          epoch: 1n,
          bondShannons: 1n,
          rewardShannons: 5n,
        }),
      );
    }
    expect(moved()).toBe(0);
    expect(await until(moved, 'the log moved')).toBe(600);
    journal.close();
  });
});

it('refuses to read the history of a newer version', () => {
  const newer = openDatabase(path, { migrations: [...JOURNAL_MIGRATIONS, 'CREATE TABLE later (n)'] });
  newer.close();
  expect(() => openJournalHistory(path)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});
