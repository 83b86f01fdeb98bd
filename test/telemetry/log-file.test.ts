import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogFile } from '../../src/telemetry/log-file.js';
import { until } from '../until.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-log-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
const untilHolds = (path: string, text: string): Promise<boolean> =>
  until(async () => (await textOf(path)) === text, `${text.length} characters in ${path}`);

it('writes lines in order and goes on in a new file after a rotation', async () => {
  const path = join(dir, 'deep', 'miner.log');
  const log = new LogFile(path);
  for (let i = 0; i < 1000; i++) log.write(`line ${i}\n`);
  const expected = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('');
  await untilHolds(path, expected);
  await rename(path, `${path}.1`);
  log.reopen();
  log.write('after\n');
  await untilHolds(path, 'after\n');
  expect(await readFile(`${path}.1`, 'utf8')).toBe(expected);
});

it('sets files aside by size, keeps so many of them, and loses no line', async () => {
  const path = join(dir, 'miner.log');
  const log = new LogFile(path, { maxBytes: 100, keep: 3 });
  const at = (name: string) => textOf(join(dir, name));
  for (let i = 0; i < 20; i++) {
    const line = `line ${i} `.padEnd(59, '.');
    log.write(`${line}\n`);
    // Each is on disk before the next comes: lines that come together are written together.
    await until(async () => (await at('miner.log')).includes(line), line);
  }
  expect((await readdir(dir)).sort()).toEqual(['miner.log', 'miner.log.1', 'miner.log.2', 'miner.log.3']);
  const kept =
    (await at('miner.log.3')) + (await at('miner.log.2')) + (await at('miner.log.1')) + (await at('miner.log'));
  expect(kept.match(/line \d+/g)).toEqual(Array.from({ length: 8 }, (_, i) => `line ${i + 12}`));
});

it('sets a file aside by age, an empty one never, and goes on when that fails', async () => {
  const path = join(dir, 'miner.log');
  const states: { failing?: string | undefined }[] = [];
  const log = new LogFile(path, { maxAgeMs: 1, keep: 1, onState: (state) => states.push(state) });
  log.write('first\n');
  await untilHolds(path, 'first\n');
  const aged = (since: number) => until(() => Date.now() > since + 1, 'the file to age', { everyMs: 1 });
  await aged(Date.now());
  log.write('second\n');
  await untilHolds(path, 'second\n');
  expect(await readFile(`${path}.1`, 'utf8')).toBe('first\n');
  // A directory in the way of a file that is set aside.
  await rm(`${path}.1`);
  await mkdir(join(`${path}.1`, 'inside'), { recursive: true });
  await aged(Date.now());
  log.write('third\n');
  await until(() => states.length > 0, 'a failure');
  expect(states[0]?.failing).toMatch(/EISDIR|ENOTEMPTY|EEXIST/);
});

it.skipIf(!existsSync('/dev/full'))('a full disk costs lines, is said once, and neither throws nor waits', async () => {
  const states: unknown[] = [];
  const log = new LogFile('/dev/full', { onState: (state) => states.push(state) });
  log.write('lost\n');
  await until(() => states.length > 0, 'a failure');
  expect(states).toEqual([{ failing: expect.stringContaining('ENOSPC') }]);
  for (let i = 0; i < 100; i++) log.write('lost\n');
  expect(states).toHaveLength(1);
});

it('does not rotate a device away', async (test) => {
  const path = join(dir, 'null');
  // Only root can make one, and only root could rename one.
  test.skip(spawnSync('mknod', [path, 'c', '1', '3']).status !== 0);
  const log = new LogFile(path, { maxBytes: 1 });
  for (let i = 0; i < 10; i++) log.write('line\n');
  const file = new LogFile(join(dir, 'miner.log'), { maxBytes: 1 });
  // Each line is a file, so the device has been written to as often.
  for (let i = 0; i < 3; i++) {
    log.write('line\n');
    file.write(`line ${i}\n`);
    await until(async () => (await textOf(join(dir, 'miner.log'))).includes(`line ${i}`), `line ${i}`);
  }
  expect((await readdir(dir)).filter((name) => name.startsWith('null'))).toEqual(['null']);
});
