import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIfPresent } from '../../src/files/read-if-present.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'read-if-present-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('a missing file is undefined, an empty one is not, and what cannot be read is a typed error', async () => {
  await writeFile(join(dir, 'empty'), '');
  expect(await readIfPresent(join(dir, 'missing'))).toBeUndefined();
  expect(await readIfPresent(join(dir, 'empty'))).toBe('');
  await expect(readIfPresent(dir)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});
