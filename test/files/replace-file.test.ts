import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile } from '../../src/files/replace-file.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-replace-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('makes missing directories, and replaces what is there', async () => {
  const path = join(dir, 'a', 'b.json');
  for (const text of ['one', 'two']) {
    await replaceFile(path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
  }
  await replaceFile(path, Uint8Array.of(0, 255));
  expect(readFileSync(path)).toEqual(Buffer.of(0, 255));
  expect(readdirSync(join(dir, 'a'))).toEqual(['b.json']);
});

it.skipIf(process.platform === 'win32')('is private unless another mode is named, whatever was there', async () => {
  const path = join(dir, 'x');
  writeFileSync(path, '', { mode: 0o644 });
  await replaceFile(path, 'x');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await replaceFile(path, 'x', { mode: 0o640 });
  expect(statSync(path).mode & 0o777).toBe(0o640 & ~process.umask());
});

it.skipIf(process.platform === 'win32')('replaces a FIFO, and the file that a link points to', async () => {
  const path = join(dir, 'fifo');
  execFileSync('mkfifo', [path]);
  await replaceFile(path, 'file');
  symlinkSync(path, join(dir, 'link'));
  await replaceFile(join(dir, 'link'), 'linked');
  expect(readFileSync(path, 'utf8')).toBe('linked');
});

it('leaves nothing behind where it fails', async () => {
  const path = join(dir, 'directory');
  await replaceFile(join(path, 'kept'), 'kept');
  await expect(replaceFile(path, 'text')).rejects.toMatchObject({ message: expect.stringContaining(path) });
  expect(readdirSync(dir)).toEqual(['directory']);
  expect(readdirSync(path)).toEqual(['kept']);
});

it('puts no file in the place of a device', async (test) => {
  const path = join(dir, 'null');
  // Only root can make one, and only root could replace one.
  test.skip(spawnSync('mknod', [path, 'c', '1', '3']).status !== 0);
  symlinkSync(path, join(dir, 'link'));
  for (const name of [path, join(dir, 'link')]) {
    expect(await replaceFile(name, 'text').catch((error) => error)).toMatchObject({
      code: 'FILE_UNREADABLE',
      details: { kind: 'device' },
    });
  }
  expect(statSync(path).isCharacterDevice()).toBe(true);
  expect(readdirSync(dir).sort()).toEqual(['link', 'null']);
});
