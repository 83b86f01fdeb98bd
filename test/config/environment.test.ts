import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withEnvFile } from '../../src/config/env-file.js';
import { homeDirectory, loadConfig, stateHome } from '../../src/config/index.js';
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

test('a secret in a config file counts under its former name too', async () => {
  const file = join(dir, 'q.yaml');
  await writeFile(file, 'httpToken: long-and-random\n', { mode: 0o644 });
  await expect(loadConfig({ file })).rejects.toMatchObject({ code: 'KEY_FILE_UNSAFE' });
});

test.each(['SOMA_SECRET_KEY', 'AITBC_WALLET_KEY'])('a .env with %s that others can read is refused', async (name) => {
  const file = join(dir, '.env');
  await writeFile(file, `${name}=0x01\n`);
  await chmod(file, 0o644);
  await expect(withEnvFile({}, file, { signal: undefined })).rejects.toMatchObject({
    code: 'KEY_FILE_UNSAFE',
    message: expect.stringContaining(name),
  });
  await chmod(file, 0o600);
  expect(await withEnvFile({}, file, { signal: undefined })).toEqual({ [name]: '0x01' });
});

test('a .env of the working directory may be absent, or a directory of another kind, but not unreadable', async () => {
  const before = process.cwd();
  process.chdir(dir);
  try {
    expect(await withEnvFile({ A: '1' }, undefined, { signal: undefined })).toEqual({ A: '1' });
    await mkdir('.env');
    expect(await withEnvFile({ A: '1' }, undefined, { signal: undefined })).toEqual({ A: '1' });
    await rm('.env', { recursive: true });
    // Permissions do not stop the superuser; a link to itself stops all.
    await symlink('.env', '.env');
    await expect(withEnvFile({ A: '1' }, undefined, { signal: undefined })).rejects.toMatchObject({
      message: expect.stringContaining('reading .env'),
    });
  } finally {
    process.chdir(before);
  }
});

test('the arena key is taken by both its names, the unmistakable one first', async () => {
  const env = { HOME: dir, FLOCK_API_KEY: 'of-the-platform' };
  expect((await loadConfig({ cwd: dir, env })).flockApiKey).toBe('of-the-platform');
  const both = { ...env, FLOCK_ARENA_API_KEY: 'of-the-arena' };
  expect((await loadConfig({ cwd: dir, env: both })).flockApiKey).toBe('of-the-arena');
  expect((await loadConfig({ cwd: dir, env: { ...both, FLOCK_ARENA_API_KEY: '' } })).flockApiKey).toBe(
    'of-the-platform',
  );
});

test.skipIf(process.platform === 'win32')('a group may read a mounted secret of another owner, never write it', () => {
  const uid = process.getuid?.() ?? 0;
  expect(exposedTo({ mode: 0o100_600, uid })).toBeUndefined();
  expect(exposedTo({ mode: 0o100_440, uid: uid + 1 })).toBeUndefined();
  expect(exposedTo({ mode: 0o100_440, uid })).toBe('its group');
  expect(exposedTo({ mode: 0o100_460, uid: uid + 1 })).toBe('its group');
  expect(exposedTo({ mode: 0o100_444, uid: uid + 1 })).toBe('everybody');
});

test('an empty variable of a directory counts as unset', () => {
  vi.stubEnv('HOME', '');
  try {
    expect(homeDirectory({ HOME: '' })).toBe(userInfo().homedir);
  } finally {
    vi.unstubAllEnvs();
  }
  expect(stateHome({ HOME: '/home/miner', XDG_STATE_HOME: '' })).toBe(join('/home/miner', '.local', 'state'));
  expect(stateHome({ HOME: '/home/miner', XDG_STATE_HOME: '/state' })).toBe('/state');
});
