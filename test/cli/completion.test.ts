import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { cliRunner } from './run-cli.js';

const run = cliRunner({ HOME: '/nonexistent' });

it('completes commands, subcommands and flags in bash', async () => {
  const { stdout } = await run(['completion', 'bash']);
  const complete = (...words: string[]): string[] => {
    const script = `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}\n_quarry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n');
  };
  expect(complete('quarry', 'hi')).toEqual(['history']);
  expect(complete('quarry', 'targets', 'sh')).toEqual(['show']);
  expect(complete('quarry', 'mine', '--api')).toEqual(['--api-port', '--api-host']);
  // Former names are taken, not offered.
  expect(complete('quarry', 'mine', '--http')).toEqual(['']);
});

it('knows three shells', async () => {
  expect((await run(['completion', 'zsh'])).stdout).toContain('bashcompinit');
  expect((await run(['completion', 'fish'])).stdout).toContain('complete -c quarry');
  expect((await run(['completion', 'tcsh'])).exit).toBe(2);
});
