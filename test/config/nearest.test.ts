import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configText, loadConfig, misspeltVariables, SETTINGS } from '../../src/config/index.js';
import { nearest } from '../../src/config/nearest.js';

test.each([
  ['wrokers', 'workers'],
  ['max-accepted', 'maxAccepted'],
  ['S3BUCKET', 's3Bucket'],
  ['stateDirectory', undefined],
  ['zzz', undefined],
])('the setting meant by %s is %s', (word, meant) => {
  expect(nearest(word, Object.keys(SETTINGS))).toBe(meant);
});

test('variables that are nearly settings are named, others are left alone', () => {
  const env = { QUARRY_WORKRES: '3', QUARRY_WORKERS: '3', QUARRY_KILLS: '1', PATH: '/bin', QUARRY_CONFIG: 'x' };
  expect(misspeltVariables(env)).toEqual([{ name: 'QUARRY_WORKRES', meant: 'QUARRY_WORKERS' }]);
});

test('a written config file says what was chosen and nothing else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-config-'));
  try {
    const file = join(dir, 'quarry.yaml');
    const chosen = { network: 'localnet', data: ['a b', '#c'], dataPort: 80, claimExpired: true };
    await writeFile(file, configText(chosen), { mode: 0o600 });
    expect(await loadConfig({ file })).toEqual({ ...(await loadConfig({ file: false })), ...chosen });
    expect(configText({})).not.toMatch(/^[^#\n]/m);
  } finally {
    await rm(dir, { recursive: true });
  }
});
