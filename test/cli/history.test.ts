import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sinceArgument } from '../../src/cli/history/since.js';
import { sparkline } from '../../src/cli/history/sparkline.js';
import { openDatabase } from '../../src/database/database.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { JOURNAL_MIGRATIONS } from '../../src/miner/journal/journal-schema.js';
import { cliRunner } from './run-cli.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10, 12);
let dir: string;
let run: ReturnType<typeof cliRunner>;
/** Left open: the commands must work while a miner writes. */
let journal: Journal;
let now = START;

function submission(n: number, state: 'accepted' | 'lost' | 'rejected' | undefined): void {
  const digest = `digest${n}`;
  const id = { targetId: `0x${String(n).padStart(64, 'a')}`, checksum: `c${n}`.padEnd(64, '0') };
  const shape = { modelId: n % 2 === 0 ? '0x1' : '0x2', digest, signed: Uint8Array.of(1), epoch: 7n };
  journal.submissions.record(
    { ...id, ...shape, bondShannons: 10n ** 8n, rewardShannons: 10n ** 18n },
    {
      ...{ origin: `books/a.txt@${n * 1024}`, distance: 0.25, threshold: 0.5, shareShannons: 5n * 10n ** 17n },
      ...(n > 1 && { seenAgoMs: 250, node: 'http://node' }),
    },
  );
  now += 40;
  if (state === undefined) return;
  const reason = state === 'accepted' ? {} : { reason: state === 'lost' ? 'targetNotOpen' : 'congestion' };
  journal.submissions.recordOutcome(digest, state, { feeShannons: 2n * 10n ** 9n, latencyMs: 30 + n, ...reason });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-history-'));
  await mkdir(join(dir, 'state'));
  journal = new Journal(join(dir, 'state', 'journal.db'), () => now);
  submission(1, 'accepted');
  submission(2, 'lost');
  now += DAY;
  submission(3, 'accepted');
  submission(4, 'rejected');
  submission(5, undefined);
  const { targetId } = [...journal.claims.due(9n)][0]!;
  journal.claims.record(targetId, 'claim', Uint8Array.of(1));
  now += DAY;
  journal.claims.recordOutcome(targetId, 'claimed', {
    receivedShannons: 5n * 10n ** 17n + 10n ** 8n,
    feeShannons: 10n ** 9n,
  });
  run = cliRunner({ HOME: dir, QUARRY_STATE_DIR: join(dir, 'state') });
});
afterAll(async () => {
  journal.close();
  await rm(dir, { recursive: true, force: true });
});

describe('history', () => {
  it('has one submission a line, amounts exact beyond 2^53', async () => {
    const { exit, lines } = await run(['history', '--json']);
    expect(exit).toBe(0);
    const rows = lines.map((line) => JSON.parse(line));
    expect(rows.map((row) => row.outcome)).toEqual(['accepted', 'lost', 'accepted', 'rejected', 'pending']);
    expect(rows[0]).toMatchObject({
      at: '2026-01-10T12:00:00.000Z',
      latencyMs: 31,
      rewardShannons: '500000000000000000',
    });
    expect(rows[0].claim).toMatchObject({ state: 'claimed', at: '2026-01-12T12:00:00.200Z' });
    expect([rows[0].seenAt, rows[0].node]).toEqual([undefined, undefined]);
    expect(rows[1]).toMatchObject({ seenAt: '2026-01-10T11:59:59.790Z', node: 'http://node' });
    expect(rows[1]).toMatchObject({ rewardShannons: '0', reason: 'targetNotOpen', origin: 'books/a.txt@2048' });
    expect(rows[4]).toMatchObject({ latencyMs: null, rewardShannons: '0' });
  });

  it('groups, and draws the groups', async () => {
    const byDay = await run(['history', '--by', 'day', '--json']);
    expect(byDay.lines.map((line) => JSON.parse(line))).toMatchObject([
      { day: '2026-01-10', accepted: 1, lost: 1, rejected: 0, pending: 0, rewardShannons: '500000000000000000' },
      { day: '2026-01-11', accepted: 1, lost: 0, rejected: 1, pending: 1, feesShannons: '4000000000' },
    ]);
    const bySource = await run(['history', '--by', 'source', '--md']);
    expect(bySource.stdout).toContain('| books/a.txt | 2 | 1 | 1 | 1 |');
    expect((await run(['history', '--by', 'model'])).stdout).not.toContain('█');
    const text = await run(['history']);
    expect(text.stdout).toMatch(/DAY\s+ACCEPTED/);
    expect(text.stdout).toMatch(/^lost\s+█▁$/m);
    const csv = await run(['history', '--csv', '--since', '2026-01-11']);
    expect(csv.lines[1]).toMatch(/^2026-01-11T12:00:00.080Z,0xa+3,accepted,/);
    expect(csv.lines).toHaveLength(4);
  });

  it('says where it looked when there is none, and refuses what it does not know', async () => {
    const missing = await run(['history', '--state-dir', join(dir, 'none'), '--json']);
    expect(missing.error).toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect((await run(['history', '--since', 'last year'])).exit).toBe(2);
    expect((await run(['history', '--csv', '--md'])).exit).toBe(2);
  });

  it('reads the journal of every earlier version, and leaves it as it is', async () => {
    for (let version = 1; version < JOURNAL_MIGRATIONS.length; version++) {
      const state = join(dir, `v${version}`);
      await mkdir(state);
      const path = join(state, 'journal.db');
      const old = openDatabase(path, { migrations: JOURNAL_MIGRATIONS.slice(0, version) });
      old.exec(
        `INSERT INTO submissions
           (target_id, checksum, model_id, digest, signed, state, epoch, bond, reward, fee, latency_ms, created_ms)
         VALUES ('0xabcd', 'c', '0x1', 'd', x'', 'accepted', '1', '10', '50', '5', 12, 1)`,
      );
      old.close();
      const { json } = await run(['history', '--json', '--state-dir', state]);
      expect(json).toMatchObject({ targetId: '0xabcd', outcome: 'accepted', rewardShannons: '50', latencyMs: 12 });
      expect(openDatabase(path).prepare('PRAGMA user_version').get()).toEqual({ user_version: version });
      // A miner brings it up to date, and then it tells the same.
      new Journal(path, () => 1).close();
      expect((await run(['history', '--json', '--state-dir', state])).json).toMatchObject({ rewardShannons: '50' });
    }
  });
});

describe('why', () => {
  it('tells the story of a target by the beginning of its id, and of a sample by its checksum', async () => {
    const target = await run(['why', `0x${'a'.repeat(63)}2`, '--offline']);
    expect(target.stdout).toContain('distance   0.250000 of at most 0.500000');
    expect(target.stdout).toMatch(/lost .*: targetNotOpen, 32 ms after/);
    expect(target.stdout).toMatch(/seen {7}2026-01-10T11:59:59.790Z on http:\/\/node, 250 ms before/);
    const sample = await run(['why', 'c1000', '--offline', '--json']);
    expect(sample.json).toMatchObject({ outcome: 'accepted', claim: { state: 'claimed' } });
    expect((await run(['why', '0x1234', '--offline', '--json'])).error.code).toBe('NOT_FOUND');
    expect((await run(['why', 'c%'])).exit).toBe(2);
  });

  it('tells what the journal knows where no node answers', async () => {
    const { exit, stdout, stderr } = await run(['why', 'c2000', '--network', 'http://127.0.0.1:1']);
    expect([exit, stdout.includes('lost')]).toEqual([0, true]);
    expect(stderr).toContain('no details from the node or the store');
  });
});

describe('profit', () => {
  it('reckons rewards against fees, bonds that are out, and costs', async () => {
    const { json } = await run(['profit', '--json', '--since', '2026-01-01', '--watts', '100', '--kwh-price', '0.5']);
    expect(json).toMatchObject({
      accepted: 2,
      earnedShannons: '1000000000000000000',
      claimedShannons: '500000000000000000',
      feesShannons: '9000000000',
      netShannons: '999999991000000000',
      bondsOutShannons: '100000000',
      costPerDay: 1.2,
    });
    expect((await run(['profit', '--watts', '100'])).exit).toBe(2);
  });
});

it('draws values against the greatest', () => {
  expect(sparkline([0, 1, 2, 4, 8])).toBe('▁▂▃▅█');
  expect(sparkline([0, 0])).toBe('▁▁');
});

it('reads ages and dates', () => {
  expect(sinceArgument('2d', START)).toBe(START - 2 * DAY);
  expect(sinceArgument('2026-01-10T12:00Z', 0)).toBe(START);
  expect(() => sinceArgument('2', 0)).toThrow('--since expects');
});
