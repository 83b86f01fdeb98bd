import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/build-native.mjs', import.meta.url));

test('without a compiler the build says so in two lines and does not fail', () => {
  const { PATH: _path, CXX: _cxx, ...env } = process.env;
  const run = spawnSync(process.execPath, [script], { env: { ...env, PATH: '/nonexistent' }, encoding: 'utf8' });
  expect(run.status).toBe(0);
  const lines = run.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('native core not built: no C++ compiler');
  const required = spawnSync(process.execPath, [script, '--require'], { env: { ...env, PATH: '/nonexistent' } });
  expect(required.status).toBe(1);
});
