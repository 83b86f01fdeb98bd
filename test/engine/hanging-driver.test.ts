import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-driver-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const GPU = pathToFileURL(join(import.meta.dirname, '../../src/engine/gpu/index.ts')).href;

/** Runs a script where the Vulkan loader does what `body` says, in C, as soon as Dawn asks it for anything. */
async function withLoader(body: string, script: string): Promise<string> {
  const source = join(dir, 'loader.c');
  writeFileSync(
    source,
    `#include <stdlib.h>
     #include <unistd.h>
     void *vkGetInstanceProcAddr(void *instance, const char *name) { ${body} }`,
  );
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(dir, 'libvulkan.so.1'), source]);
  const env = { ...process.env, LD_LIBRARY_PATH: dir, VK_ICD_FILENAMES: '/a/driver.json' };
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
  return stdout;
}

const isLinux = process.platform === 'linux';
const HANGS = 'for (;;) sleep(1000);';

it.runIf(isLinux)(
  'a graphics driver that never answers is no adapter, and an error with a hint where WebGPU is named',
  async () => {
    const script = `
    const { createGpuDistanceEngine, probeWebGpu } = await import(${JSON.stringify(GPU)});
    const probes = [await probeWebGpu({ timeoutMs: 2_000 }), await probeWebGpu()];
    const error = await createGpuDistanceEngine({ mode: 'webgpu' }).catch((failure) => failure.toJSON());
    console.log(JSON.stringify({ probes, error }));`;
    const { probes, error } = JSON.parse(await withLoader(HANGS, script));
    const reason = 'the graphics driver did not answer a request for a WebGPU adapter within 2 s';
    const cure = expect.stringContaining('restart the machine');
    expect(probes).toEqual(Array(2).fill({ available: false, reason, cure }));
    expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', message: expect.stringContaining(reason), hint: cure });
  },
);

it.runIf(isLinux)('a graphics driver that crashes is no adapter', async () => {
  const script = `
    const { probeWebGpu } = await import(${JSON.stringify(GPU)});
    console.log(JSON.stringify(await probeWebGpu()));`;
  expect(JSON.parse(await withLoader('abort();', script))).toEqual({
    available: false,
    reason: 'the graphics driver crashed on a request for a WebGPU adapter (SIGABRT)',
    cure: expect.stringContaining('restart the machine'),
  });
});

it('a navigator.gpu that never answers is no adapter', async () => {
  const script = `
    const { probeWebGpu } = await import(${JSON.stringify(GPU)});
    const gpu = { requestAdapter: () => new Promise(() => {}) };
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
    console.log((await probeWebGpu({ timeoutMs: 50 })).reason);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  expect(stdout).toContain('did not answer');
});
