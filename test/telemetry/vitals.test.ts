import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/database.js';
import { readVitals, VitalsLog } from '../../src/telemetry/vitals.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const START = Date.UTC(2026, 0, 1);
const POINT = { balanceShannons: 10n ** 18n, samplesPerSecond: 2.5, storeBytes: 7, diskFreeBytes: 8, reach: 0.5 };

let dir: string;
let path: string;
let log: VitalsLog;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-vitals-'));
  path = join(dir, 'vitals.db');
  log = new VitalsLog(path);
});
afterEach(async () => {
  log.close();
  await rm(dir, { recursive: true, force: true });
});

it('keeps a point a minute, exactly, and keeps unknown values unknown', () => {
  log.record({ ...POINT, at: START });
  log.record({ ...POINT, at: START + 5_000, storeBytes: 9 });
  const unknown = { balanceShannons: undefined, samplesPerSecond: undefined, storeBytes: undefined };
  log.record({ ...unknown, diskFreeBytes: undefined, reach: undefined, at: START + MINUTE });
  const { points } = readVitals(path, START);
  expect(points).toEqual([
    { ...POINT, at: START, storeBytes: 9 },
    { ...unknown, diskFreeBytes: undefined, reach: undefined, at: START + MINUTE },
  ]);
  expect(readVitals(path, START + MINUTE).points).toHaveLength(1);
});

it('thins out to a point an hour after two days, and forgets after four hundred', () => {
  for (let minute = 0; minute <= 3 * 24 * 60; minute++) {
    if (minute % 10 === 3 || minute % 60 === 0) log.record({ ...POINT, at: START + minute * MINUTE });
  }
  const ages = readVitals(path, 0).points.map(({ at }) => START + 3 * DAY - at);
  expect(ages.filter((age) => age > 2 * DAY)).toHaveLength(24);
  expect(ages.filter((age) => age <= 2 * DAY).length).toBeGreaterThan(2 * 24 * 6);
  log.record({ ...POINT, at: START + 500 * DAY });
  expect(readVitals(path, 0).points).toHaveLength(1);
});

it('adds up latencies over runs, and returns a bounded number of points', () => {
  log.observeSubmitted(3);
  log.observeSubmitted(100_000);
  log.record({ ...POINT, at: START });
  log.observeSubmitted(4);
  for (let minute = 1; minute < 2_000; minute++) log.record({ ...POINT, at: START + minute * MINUTE });
  const { points, wireLatency } = readVitals(path, 0);
  expect(points.length).toBeLessThanOrEqual(1_500);
  // The latest is always told.
  expect(points.at(-1)?.at).toBe(START + 1_999 * MINUTE);
  expect(wireLatency.counts[wireLatency.boundsMs.indexOf(5)]).toBe(2);
  expect(wireLatency.counts.at(-1)).toBe(1);
});

it('refuses what a newer version recorded', () => {
  const newer = openDatabase(path);
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  expect(() => readVitals(path, 0)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
});
