import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { useSoftwareVulkan } from '../engine/software-vulkan.js';
import { temporaryDir } from '../store/fixtures.js';

const SCRIPT = join(import.meta.dirname, '..', '..', 'bench', 'gpu.sh');

async function report(env: NodeJS.ProcessEnv) {
  const file = join(temporaryDir(), 'result.json');
  const ran = promisify(execFile)('bash', [SCRIPT, file, '--quick'], { env: { ...process.env, ...env } });
  const { stderr } = await ran.catch((error: { stderr: string }) => error);
  return { stderr, ...JSON.parse(readFileSync(file, 'utf8')) };
}

test('bench/gpu.sh checks distances and scores on the adapter there is, and writes them into one file', async (context) => {
  useSoftwareVulkan();
  const { status, problem, results, machine } = await report({});
  if (problem?.startsWith('ENGINE_UNAVAILABLE')) return context.skip(problem);
  expect(status).toBe('done');
  expect(machine.node).toBe(process.versions.node);
  const checked = results.filter(({ error }: { error: number | null }) => error !== null);
  expect(checked.map((result: { case: string }) => result.case)).toEqual([
    expect.stringContaining('1 target'),
    expect.stringContaining('3 targets'),
    expect.stringContaining('1 chunk'),
  ]);
  for (const { error, ratio, limit } of checked) {
    expect(error).toBeLessThan(1e-4);
    expect(ratio).toBeGreaterThan(0);
    expect(limit).toBeGreaterThan(0);
  }
}, 240_000);

test('bench/gpu.sh says in the file that no adapter answers, and what to do', async () => {
  const { status, problem, results, stderr } = await report({ VK_ICD_FILENAMES: '/nowhere/driver.json' });
  expect([status, results]).toEqual(['failed', []]);
  expect(problem).toMatch(/^ENGINE_UNAVAILABLE: no GPU to measure: /);
  expect(stderr).toContain('quarry setup gpu');
}, 60_000);
