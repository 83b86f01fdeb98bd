import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import * as engine from '../../src/engine/index.js';

test('the public entry offers every engine', () => {
  expect(Object.keys(engine)).toEqual(
    expect.arrayContaining(['createGpuDistanceEngine', 'createOnnxEngine', 'createReferenceEngine', 'chooseEngine']),
  );
});

test('importing it loads neither gpu.js, nor WebGPU, nor onnxruntime', async () => {
  const entry = new URL('../../src/engine/index.ts', import.meta.url).href;
  const script = `
    const { createRequire } = await import('node:module');
    await import(${JSON.stringify(entry)});
    const loaded = Object.keys(createRequire(${JSON.stringify(entry)}).cache);
    const native = process.report.getReport().sharedObjects;
    console.log(JSON.stringify([...loaded, ...native].filter((path) => /gpu\\.js|webgpu|onnxruntime/.test(path))));`;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    cwd: root,
  });
  expect(JSON.parse(stdout)).toEqual([]);
});
