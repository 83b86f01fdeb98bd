import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hasVulkanDriver } from '../../src/engine/gpu/vulkan-drivers.js';
import { hasGpuDevice } from '../../src/engine/gpu-device.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quarry-gpu-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), '');
}

it('looks for a GPU in /dev', () => {
  expect(hasGpuDevice('linux', root)).toBe(false);
  expect(hasGpuDevice('darwin', root)).toBe(true);
  put('dev/null');
  put('dev/dri/card0-text');
  expect(hasGpuDevice('linux', root)).toBe(false);
  put('dev/dri/renderD128');
  expect(hasGpuDevice('linux', root)).toBe(true);
});

it('looks for Vulkan drivers where the loader does', () => {
  expect(hasVulkanDriver({}, root)).toBe(false);
  expect(hasVulkanDriver({ VK_ICD_FILENAMES: '/opt/driver.json' }, root)).toBe(true);
  put('share/vulkan/icd.d/README');
  expect(hasVulkanDriver({ XDG_DATA_DIRS: `/nowhere:${root}/share` }, root)).toBe(false);
  put('share/vulkan/icd.d/radeon.json');
  expect(hasVulkanDriver({ XDG_DATA_DIRS: `/nowhere:${root}/share` }, root)).toBe(true);
  put('usr/share/vulkan/icd.d/nvidia_icd.json');
  expect(hasVulkanDriver({}, root)).toBe(true);
});

it.skipIf(hasGpuDevice() || hasVulkanDriver())(
  'requests no adapter, and prints nothing, without GPU and driver',
  async () => {
    const webgpu = pathToFileURL(join(import.meta.dirname, '../../src/engine/gpu/webgpu.ts')).href;
    const script = `console.log((await (await import(${JSON.stringify(webgpu)})).probeWebGpu()).available);`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect([stdout.trim(), stderr]).toEqual(['false', '']);
  },
);
