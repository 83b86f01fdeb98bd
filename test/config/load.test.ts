import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig, SETTINGS } from '../../src/config/index.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-config-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('flags win over the environment over the file over the defaults', async () => {
  const file = join(dir, 'q.yaml');
  await writeFile(file, 'workers: 1\nthreads: 2\nengine: reference\n');
  const config = await loadConfig({ file, env: { QUARRY_THREADS: '3', QUARRY_WORKERS: '4' }, flags: { workers: '5' } });
  expect(config).toMatchObject({ workers: 5, threads: 3, engine: 'reference', policy: 'first' });
});

test('a config file in the working directory is found', async () => {
  await writeFile(join(dir, 'quarry.yaml'), 'network: localnet\ndata: [a, b]\n');
  expect(await loadConfig({ cwd: dir, env: { HOME: dir } })).toMatchObject({ network: 'localnet', data: ['a', 'b'] });
});

test.each([
  ['an unknown key', 'nonsense: 1\n', /unknown setting "nonsense"/],
  ['a wrong type', 'workers: many\n', /workers expects a whole number/],
  ['a choice that does not exist', 'engine: quantum\n', /expects one of auto/],
  ['no mapping', '- a\n', /name: value/],
  ['no YAML', 'workers: 2\na: [\n', /q\.yaml:3:1 is not valid YAML: Flow sequence/],
])('%s is a configuration error', async (_, text, message) => {
  const file = join(dir, 'q.yaml');
  await writeFile(file, text);
  await expect(loadConfig({ file })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    exitCode: 3,
    message: expect.stringMatching(message),
  });
});

test('a wrong flag is a usage error', async () => {
  await expect(loadConfig({ cwd: dir, env: { HOME: dir }, flags: { workers: '0' } })).rejects.toMatchObject({
    code: 'USAGE',
    exitCode: 2,
  });
});

test('secrets have no flag and are not shown in errors', async () => {
  for (const setting of Object.values(SETTINGS)) if ('secret' in setting) expect(setting).not.toHaveProperty('flag');
});

test('a former name means the same, as a flag and in a file', async () => {
  const file = join(dir, 'q.yaml');
  await writeFile(file, 'untilHits: 3\n');
  expect(await loadConfig({ file })).toMatchObject({ maxAccepted: 3 });
  expect(await loadConfig({ file, flags: { untilHits: '4' } })).toMatchObject({ maxAccepted: 4 });
});

test('settings that were renamed are taken by their former names, the present one first', async () => {
  const cwd = tmpdir();
  const env = { QUARRY_HTTP_TOKEN: 'old', QUARRY_HOST_PORT: '8080' };
  expect(await loadConfig({ flags: { httpPort: '9464', provider: 'cuda' }, env, cwd })).toMatchObject({
    apiPort: 9464,
    apiToken: 'old',
    dataPort: 8080,
    onnxProvider: 'cuda',
  });
  const both = { ...env, QUARRY_API_TOKEN: 'new' };
  expect(await loadConfig({ env: both, cwd })).toMatchObject({ apiToken: 'new' });
  await expect(loadConfig({ flags: { httpPort: 'x' }, cwd })).rejects.toThrow('--http-port expects');
});
