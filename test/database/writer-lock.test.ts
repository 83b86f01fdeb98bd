import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isLockedForWriting, lockForWriting } from '../../src/database/writer-lock.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-lock-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const locked = expect.objectContaining({ code: 'STORE_LOCKED' });

it('takes a lock whose file was damaged: it holds nothing', () => {
  writeFileSync(join(dir, 'writer.lock'), Buffer.alloc(5_000, 0xff));
  const lock = lockForWriting(dir);
  expect(() => lockForWriting(dir)).toThrow(locked);
  lock.release();
  lockForWriting(dir).release();
});

it('releases the lock when it cannot record who has it', () => {
  mkdirSync(join(dir, 'writer.pid'));
  expect(() => lockForWriting(dir)).toThrow(expect.objectContaining({ code: 'FILE_UNREADABLE' }));
  expect(isLockedForWriting(dir)).toBe(false);
  rmdirSync(join(dir, 'writer.pid'));
  lockForWriting(dir).release();
});
