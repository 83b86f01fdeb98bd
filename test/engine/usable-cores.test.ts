import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { usableCores } from '../../src/engine/usable-cores.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'quarry-cores-'));
});
afterEach(() => rm(root, { recursive: true }));

/** A machine's control groups, by path. */
async function files(contents: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(contents)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const ALL = availableParallelism();

it('is the machine where nothing limits it', async () => {
  expect(usableCores(root)).toBe(ALL);
  await files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' });
  expect(usableCores(root)).toBe(ALL);
});

it.each([
  ['half a processor', '50000 100000', 1],
  ['one and a half', '150000 100000', Math.min(1, ALL)],
  ['two', '200000 100000', Math.min(2, ALL)],
  ['more than there are', '99900000 100000', ALL],
  ['nonsense', 'two processors', ALL],
])('counts a version 2 quota of %s', async (_name, quota, cores) => {
  await files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': `${quota}\n` });
  expect(usableCores(root)).toBe(cores);
});

it('takes the smallest quota of the groups above', async () => {
  await files({
    'proc/self/cgroup': '0::/slice/pod/box\n',
    'sys/fs/cgroup/slice/pod/box/cpu.max': 'max 100000\n',
    'sys/fs/cgroup/slice/pod/cpu.max': '50000 100000\n',
  });
  expect(usableCores(root)).toBe(1);
});

it('reads version 1, whose group may not be visible inside the container', async () => {
  await files({
    'proc/self/cgroup': '4:memory:/x\n3:cpu,cpuacct:/docker/0123\n',
    'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000\n',
    'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  });
  expect(usableCores(root)).toBe(1);
  await files({ 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' });
  expect(usableCores(root)).toBe(ALL);
});
