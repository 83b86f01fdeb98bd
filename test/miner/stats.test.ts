import { expect, it } from 'vitest';
import { MinerStats } from '../../src/miner/run/stats.js';

const live = {
  openTargets: 3,
  reach: undefined,
  waitingTargets: 0,
  fullnodeLostMs: undefined,
  epoch: undefined,
  paused: false,
  balanceShannons: undefined,
  accountFeesShannons: 0n,
};

it('says what was never measured as unknown, not as 0', () => {
  const summary = new MinerStats(() => 0).summary(live);
  expect(summary.spawnToSubmitMs).toEqual({ p50: undefined, p99: undefined, count: 0 });
  expect(summary.samplesPerSecond).toEqual([undefined, undefined, undefined]);
  expect(summary).toMatchObject({ accepted: 0, hits: 0, balanceShannons: undefined, epoch: undefined });
});

it('counts outcomes by kind, fees of both kinds, and time since it was made', () => {
  let now = 1_000;
  const stats = new MinerStats(() => now);
  stats.count({ kind: 'accepted', feeShannons: 5n });
  stats.count({ kind: 'accepted', feeShannons: 5n });
  stats.count({ kind: 'lost', reason: 'targetNotOpen', feeShannons: 1n });
  stats.count({ kind: 'unknown', reason: 'no answer' });
  stats.resentFeesShannons += 7n;
  for (const ms of [1, 2, 3]) stats.spawnToSubmit.record(ms);
  now = 4_500;
  const summary = stats.summary({ ...live, accountFeesShannons: 10n });
  expect(summary).toMatchObject({ accepted: 2, lost: 1, rejected: 0, unknown: 1, durationMs: 3_500 });
  expect(summary.feesShannons).toBe(17n);
  expect(summary.spawnToSubmitMs.count).toBe(3);
});
