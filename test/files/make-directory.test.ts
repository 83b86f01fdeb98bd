import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDirectory } from '../../src/files/make-directory.js';
import { ensureWritableDirectory } from '../../src/files/writable-directory.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('creates a folder and those above it, with the mode, once or twice', () => {
  const inner = join(dir, 'a', 'b', 'c');
  makeDirectory(inner, { mode: 0o700 });
  makeDirectory(inner);
  for (const made of [join(dir, 'a'), inner]) expect(statSync(made).mode & 0o777).toBe(0o700);
});

it('says what is in the way', () => {
  writeFileSync(join(dir, 'file'), '');
  symlinkSync('nowhere', join(dir, 'link'));
  for (const path of ['file', 'file/inner', 'link', 'link/inner']) {
    const error = { code: 'FILE_UNREADABLE', message: expect.stringContaining(path.split('/')[0]!) };
    expect(() => makeDirectory(join(dir, path)), path).toThrowError(expect.objectContaining(error));
  }
});

it.runIf(process.platform === 'linux')(
  'gives up on a file system that has no new folders, where Node tries forever',
  () => {
    for (const make of [makeDirectory, ensureWritableDirectory]) {
      expect(() => make('/proc/none/inner')).toThrowError(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
    }
  },
);
