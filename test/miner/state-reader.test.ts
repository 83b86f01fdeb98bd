import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aggregateSubmissions } from '../../src/miner/journal/aggregate-submissions.js';
import { CostLimit } from '../../src/miner/journal/cost-limit.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { openJournalHistory } from '../../src/miner/journal/journal-history.js';
import { StateReader } from '../../src/miner/journal/state-reader.js';
import { Reach } from '../../src/miner/run/reach.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 10, 12);
let dir: string;
let journal: Journal;
let now: number;

function submit(n: number, outcome: 'accepted' | 'lost', reason: string, epoch = 7n): void {
  const id = { targetId: `0x${String(n).padStart(64, 'a')}`, checksum: 'c', modelId: '0x1', digest: `d${n}` };
  const promised = { signed: Uint8Array.of(1), epoch, bondShannons: 1n, rewardShannons: 10n ** 18n };
  const story = { origin: 'a', distance: n / 10_000, threshold: 0.5, shareShannons: 10n ** 17n };
  journal.submissions.record({ ...id, ...promised }, story);
  journal.submissions.recordOutcome(`d${n}`, outcome, {
    feeShannons: 2n,
    latencyMs: 40,
    ...(outcome === 'lost' && { reason }),
  });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-reader-'));
  now = START;
  journal = new Journal(join(dir, 'journal.db'), () => now);
});
afterEach(async () => {
  journal.close();
  await rm(dir, { recursive: true, force: true });
});

describe('a state directory is read', () => {
  it('in groups, latest first, while it is written', async () => {
    submit(1, 'accepted', '');
    now += HOUR;
    submit(2, 'lost', 'filled', 8n);
    submit(3, 'accepted', '', 8n);
    const reader = new StateReader(dir);
    try {
      const byHour = await reader.history('hour', 48);
      expect(byHour.periods).toMatchObject([
        { key: '2026-01-10T12:00:00.000Z', accepted: 1, lost: 0, rewardShannons: 10n ** 17n },
        { key: '2026-01-10T13:00:00.000Z', accepted: 1, lost: 1, feesShannons: 4n },
      ]);
      expect(byHour).toMatchObject({
        causes: [{ outcome: 'lost', reason: 'filled', count: 1 }],
        rows: 3,
        isCut: false,
      });
      expect((await reader.history('epoch', 1)).periods).toMatchObject([{ key: '8', accepted: 1, lost: 1 }]);
      expect((await reader.submissions(2)).map(({ digest }) => digest)).toEqual(['d3', 'd2']);
      expect(await reader.has(`0x${'1'.padStart(64, 'a')}`)).toBe(true);
      expect(await reader.has(`0x${'0'.repeat(64)}`)).toBe(false);
      expect(await reader.vitals(1)).toMatchObject({ points: [] });
    } finally {
      await reader.close();
    }
  });

  it('no further than it may, and says so', () => {
    for (let n = 0; n < 1_205; n++) submit(n, 'lost', `cause ${n % 30}`);
    const history = openJournalHistory(join(dir, 'journal.db'));
    try {
      expect([...history.latest(1_100)]).toHaveLength(1_100);
      expect([...history.latest(5_000)]).toHaveLength(1_205);
      expect([...history.latest(5_000, START + 1)]).toHaveLength(0);
      const aggregate = aggregateSubmissions(history.latest(5_000), 'day', 60, 1_150);
      expect(aggregate).toMatchObject({ rows: 1_150, isCut: true });
      expect(aggregate.distances).toHaveLength(1_000);
      // Strangers choose the reasons: there may be any number of them.
      expect(aggregate.causes.length).toBeLessThanOrEqual(21);
      expect(aggregate.causes.reduce((sum, { count }) => sum + count, 0)).toBe(1_150);
    } finally {
      history.close();
    }
  });
});

it('bonds are out until their claim is settled', () => {
  submit(1, 'accepted', '');
  submit(2, 'lost', 'filled');
  submit(3, 'accepted', '');
  expect(journal.claims.bondsOut()).toBe(2n);
  journal.claims.recordOutcome(`0x${'1'.padStart(64, 'a')}`, 'claimed', { receivedShannons: 5n });
  expect(journal.claims.bondsOut()).toBe(1n);
});

it('answers are kept a hundred times as long as they took, failures not at all', async () => {
  let clock = 0;
  const limit = new CostLimit(() => clock);
  let asked = 0;
  const ask = () => limit.run('q', async () => ({ value: ++asked, tookMs: 30 }));
  expect([await ask(), await ask()]).toEqual([1, 1]);
  clock += 2_999;
  expect(await ask()).toBe(1);
  clock += 1;
  expect(await ask()).toBe(2);
  const fail = () => limit.run('f', () => Promise.reject(new Error('no')));
  await expect(fail()).rejects.toThrow('no');
  await expect(limit.run('f', async () => ({ value: 'yes', tookMs: 0 }))).resolves.toBe('yes');
});

it('questions share the hundredth of the time while they are asked', async () => {
  let clock = 0;
  const limit = new CostLimit(() => clock);
  const found = { slow: 0, quick: 0 };
  const ask = async (name: keyof typeof found, tookMs: number) =>
    void (await limit.run(name, async () => ({ value: ++found[name], tookMs })));
  for (; clock < 600_000; clock += 100) {
    await ask('slow', 300);
    await ask('quick', 10);
  }
  // Alone for the first 30 seconds, then every minute.
  expect(found.slow).toBe(11);
  expect(found.slow * 300 + found.quick * 10).toBeLessThanOrEqual(6_600);
  found.quick = 0;
  for (; clock < 700_000; clock += 100) await ask('quick', 10);
  expect(found.quick).toBeGreaterThan(65);
});

it('reach is the share of the latest thousand targets that were answered', () => {
  const reach = new Reach();
  expect(reach.share).toBeUndefined();
  reach.answered('unknown');
  for (let i = 0; i < 4; i++) reach.opened(`t${i}`);
  reach.answered('t0');
  reach.answered('t0');
  expect(reach.share).toBe(0.25);
  for (let i = 4; i < 1_004; i++) reach.opened(`t${i}`);
  expect(reach.share).toBe(0);
});
