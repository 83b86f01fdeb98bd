import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;

test('files and folders have names in lower case with hyphens', async () => {
  const { stdout } = await run('git', ['ls-files', 'src', 'workers', 'bench', 'test', 'scripts'], { cwd: root });
  const odd = stdout
    .split('\n')
    .filter((path) => /\.(ts|tsx|mts|mjs)$/.test(path) && !path.startsWith('src/gen/'))
    .filter(
      (path) =>
        !path.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|faults))?(\.(ts|tsx|mts|mjs))?$/.test(part)),
    );
  expect(odd).toEqual([]);
});

test('the linter refuses functions of more than seventy lines, everywhere in src', () => {
  const { overrides } = JSON.parse(readFileSync(`${root}biome.json`, 'utf8')) as {
    overrides: { includes: string[]; linter: { rules: { complexity?: Record<string, unknown> } } }[];
  };
  const rules = overrides.map(({ includes, linter }) => [
    includes,
    linter.rules.complexity?.['noExcessiveLinesPerFunction'],
  ]);
  expect(rules.filter(([, rule]) => rule !== undefined)).toEqual([
    [['src/**'], { level: 'error', options: { maxLines: 70 } }],
  ]);
});

test('nothing creates folders by the recursive mkdir, which tries forever where a file system has no new ones', async () => {
  const { stdout } = await run('git', ['grep', '-nE', 'mkdir(Sync)?\\(.*recursive', '--', 'src', 'workers', 'bench'], {
    cwd: root,
  }).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

test('nothing links signals by AbortSignal.any, which keeps the links for as long as they live', async () => {
  const { stdout } = await run('git', ['grep', '-lF', 'AbortSignal.any(', '--', 'src', 'workers'], { cwd: root }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});
