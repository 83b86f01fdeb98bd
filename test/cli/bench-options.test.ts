import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cliRunner } from './run-cli.js';

let dir: string;
const run = cliRunner({});
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-bench-options-'));
  await writeFile(join(dir, 'file'), '');
});
afterAll(() => rm(dir, { recursive: true }));

it('counts that no bench can run with are refused', async () => {
  for (const args of [
    ['gemm', '--threads', '99999'],
    ['gemm', '--threads', '1,,2'],
    ['gemm', '--threads', '0x2'],
    ['forward', '--chunks', '1025'],
    ['search', '--targets', '1,2'],
    ['search', '--targets', '0'],
    ['rng', 'nonsense'],
  ]) {
    const { exit, stdout, error } = await run(['bench', ...args, '--json']);
    expect([args, exit, stdout, error.code]).toEqual([args, 2, '', 'USAGE']);
  }
});

it('folders that are missing or cannot be written are refused before anything is measured', async () => {
  for (const [args, code] of [
    [['search', '--models-dir', join(dir, 'none')], 'FILE_NOT_FOUND'],
    [['rounding', '--models-dir', join(dir, 'file')], 'FILE_UNREADABLE'],
    [['reach', '--directory', join(dir, 'file')], 'FILE_UNREADABLE'],
    [['rng', '--save', join(dir, 'file', 'inner')], 'FILE_UNREADABLE'],
    // Nor is the folder of the results created if that of the models is missing.
    [['joined', '--save', join(dir, 'made'), '--models-dir', join(dir, 'none')], 'FILE_NOT_FOUND'],
  ] as const) {
    const { exit, stdout, error } = await run(['bench', ...args, '--json']);
    expect([args, exit, stdout, error.code]).toEqual([args, 1, '', code]);
  }
  expect(existsSync(join(dir, 'made'))).toBe(false);
});
