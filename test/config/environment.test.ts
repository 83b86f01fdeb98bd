import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { exposedTo } from '../../src/files/exposed-file.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-environment-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('the newline at the end of a secret is taken off; one inside is refused without showing the secret', async () => {
  const env = { HOME: dir, HF_TOKEN: ' hf_secret\n' };
  expect((await loadConfig({ cwd: dir, env })).hfToken).toBe('hf_secret');
  const failure = await loadConfig({ cwd: dir, env: { ...env, HF_TOKEN: 'hf_\nsecret' } }).catch(
    (error: Error) => error,
  );
  expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(/^HF_TOKEN expects/) });
  expect((failure as Error).message).not.toContain('secret');
});

test('a secret in a config file that others can read is refused', async () => {
  const file = join(dir, 'q.yaml');
  await writeFile(file, 'hfToken: hf_secret\n');
  await chmod(file, 0o644);
  await expect(loadConfig({ file })).rejects.toMatchObject({ code: 'KEY_FILE_UNSAFE' });
  await chmod(file, 0o600);
  expect((await loadConfig({ file })).hfToken).toBe('hf_secret');
  await writeFile(file, 'network: localnet\n');
  await chmod(file, 0o644);
  expect((await loadConfig({ file })).network).toBe('localnet');
});

test.skipIf(process.platform === 'win32')('a group may read a mounted secret of another owner, never write it', () => {
  const uid = process.getuid?.() ?? 0;
  expect(exposedTo({ mode: 0o100_600, uid })).toBeUndefined();
  expect(exposedTo({ mode: 0o100_440, uid: uid + 1 })).toBeUndefined();
  expect(exposedTo({ mode: 0o100_440, uid })).toBe('its group');
  expect(exposedTo({ mode: 0o100_460, uid: uid + 1 })).toBe('its group');
  expect(exposedTo({ mode: 0o100_444, uid: uid + 1 })).toBe('everybody');
});
