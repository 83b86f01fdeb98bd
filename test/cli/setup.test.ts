import { expect, test } from 'vitest';
import { cliRunner } from './run-cli.js';

const run = cliRunner({});

test('setup gpu says what is there and what to run for the rest', async () => {
  const { json, exit } = await run(['setup', 'gpu', '--json']);
  expect(exit).toBe(0);
  const names = json.needs.map(({ name }: { name: string }) => name);
  expect(names).toEqual(expect.arrayContaining(['onnxruntime-node', 'webgpu', 'WebGPU adapter']));
  // Both are development dependencies of a clone.
  expect(json.needs[0]).toMatchObject({
    present: true,
    command: expect.stringMatching(/^npm install onnxruntime-node@/),
  });
  const table = await run(['setup', 'gpu']);
  expect(table.stdout).toContain('onnxruntime-node');
});
