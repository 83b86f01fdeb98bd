import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SETTINGS, type Setting } from '../../src/config/index.js';

const folder = new URL('../../src/config/settings/', import.meta.url);

test('no two files of settings define the same key, flag or variable', async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
  const tables = await Promise.all(
    files.map(async (name) => Object.values(await import(new URL(name, folder).href)) as Record<string, Setting>[]),
  );
  const names = tables.flat().flatMap((table) => Object.keys(table));
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(SETTINGS).sort()).toEqual(names.sort());

  const all: Setting[] = Object.values(SETTINGS);
  for (const used of [
    all.flatMap(({ flag, former }) => [flag, former?.flag].flatMap((text) => text?.split(' ')[0] ?? [])),
    all.flatMap(({ env, former }) => [env, former?.env].flatMap((text) => text ?? [])),
  ]) {
    expect(new Set(used).size).toBe(used.length);
  }
});

test('no setting makes a timer wait for longer than it can', () => {
  const unitMs = { Seconds: 1_000, Ms: 1, Minutes: 60_000 };
  const waits = Object.entries<Setting>(SETTINGS).flatMap(([name, { max }]) => {
    const unit = Object.entries(unitMs).find(([suffix]) => name.endsWith(suffix));
    return unit === undefined ? [] : [{ name, longestMs: (max ?? Number.POSITIVE_INFINITY) * unit[1] }];
  });
  expect(waits.length).toBeGreaterThan(4);
  for (const { name, longestMs } of waits) {
    expect([name, longestMs <= 2 ** 31 - 1]).toEqual([name, true]);
  }
});
