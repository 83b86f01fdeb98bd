import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LogFile } from '../../src/telemetry/log-file.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-log-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('writes lines in order and goes on in a new file after a rotation', async () => {
  const path = join(dir, 'deep', 'miner.log');
  const log = new LogFile(path);
  for (let i = 0; i < 1000; i++) log.write(`line ${i}\n`);
  const expected = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`).join('');
  await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toBe(expected));
  await rename(path, `${path}.1`);
  log.reopen();
  log.write('after\n');
  await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toBe('after\n'));
  expect(await readFile(`${path}.1`, 'utf8')).toBe(expected);
});

it.skipIf(!existsSync('/dev/full'))('a full disk costs lines, is said once, and neither throws nor waits', async () => {
  const states: unknown[] = [];
  const log = new LogFile('/dev/full', { onState: (state) => states.push(state) });
  log.write('lost\n');
  await vi.waitFor(() => expect(states).toEqual([{ failing: expect.stringContaining('ENOSPC') }]));
  for (let i = 0; i < 100; i++) log.write('lost\n');
  expect(states).toHaveLength(1);
});
