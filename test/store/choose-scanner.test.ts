import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../src/config/index.js';
import { hasGpuDevice } from '../../src/engine/gpu-device.js';
import {
  autoScanner,
  chooseScanner,
  DISTANCE_ENGINES,
  gpuObjection,
  probeScanners,
  rowsOnDisk,
  type ScannerProbe,
  scanSizeOnDisk,
} from '../../src/store/index.js';
import { ensureModelFile } from '../../src/store/model-file.js';
import { temporaryDir } from './fixtures.js';

it('every distance engine of the settings is built by its name; the oracle only when it is asked for', async () => {
  const { choices } = SETTINGS.distanceEngine;
  expect([...choices].sort()).toEqual([...DISTANCE_ENGINES, 'auto', 'reference'].sort());
  const oracle = await chooseScanner({ engine: 'reference' });
  expect([oracle.name, oracle.scanner.name]).toEqual(['reference', 'reference']);
  await oracle.scanner.close();
  const chosen = await chooseScanner({ engine: 'auto' });
  expect(DISTANCE_ENGINES).toContain(chosen.name);
  await chosen.scanner.close();
});

it('every distance engine that is no program for a GPU is measured where a size is given', async () => {
  const probes = await probeScanners({}, { rows: 50, dim: 16 });
  for (const { name, available, isSoftware, secondsPerTarget } of probes)
    expect([name, secondsPerTarget !== undefined]).toEqual([name, available && isSoftware !== true]);
  expect(probes.find(({ name }) => name === 'js')?.secondsPerTarget).toBeGreaterThan(0);
  for (const { secondsPerTarget } of await probeScanners({})) expect(secondsPerTarget).toBeUndefined();
  const signal = AbortSignal.abort();
  await expect(probeScanners({}, { rows: 50, dim: 16 }, signal)).rejects.toMatchObject({ code: 'ABORTED' });
});

it('auto takes the faster of core and GPU, where the rows are worth it and fit, and never a program', () => {
  const probes = (gpu: Partial<ScannerProbe>): ScannerProbe[] => [
    { name: 'native', available: true, detail: '', secondsPerTarget: 2 },
    { name: 'gpu', available: true, detail: '', secondsPerTarget: 1, ...gpu },
    { name: 'js', available: true, detail: '', secondsPerTarget: 0.5 },
  ];
  const size = { rows: 20_000, dim: 2048 };
  const choice = (gpu: Partial<ScannerProbe>, rows = size.rows) => autoScanner(probes(gpu), { ...size, rows })?.name;
  expect(choice({})).toBe('gpu');
  expect(choice({ secondsPerTarget: 3 })).toBe('native');
  expect(choice({ isSoftware: true, secondsPerTarget: undefined })).toBe('native');
  expect(choice({ available: false })).toBe('native');
  expect(choice({}, 9_999)).toBe('native');
  // As f32 these take 8 GiB, of which half stays on a device.
  expect(choice({}, 2 ** 20)).toBe('native');
  expect(gpuObjection({ ...size, rows: 2 ** 20 })).toContain('4 GiB');
  expect(autoScanner(probes({}).slice(2), size)?.name).toBe('js');
});

it('the size of a store is that of the model with most rows, by its own width', () => {
  const dir = temporaryDir();
  expect(scanSizeOnDisk(dir)).toBeUndefined();
  const model = (checksum: string, dim: number, rows: number): void => {
    const at = join(dir, 'scores', `v1-${checksum.repeat(64)}`);
    ensureModelFile(at, { architecture: 'v1', checksum: checksum.repeat(64), embeddingDim: dim });
    if (rows > 0) writeFileSync(join(at, 'f32.bin'), new Uint8Array(rows * dim * 4 + 3));
  };
  model('a', 8, 0);
  expect(scanSizeOnDisk(dir)).toBeUndefined();
  model('b', 16, 30);
  model('c', 4, 50);
  expect(scanSizeOnDisk(dir)).toEqual({ rows: 50, dim: 4 });
  // A directory without rows is no reason to forget the others.
  expect(rowsOnDisk(dir, 4)).toBe(120);
});

it.skipIf(hasGpuDevice())('auto is silent on a machine without a GPU: no adapter is requested', async () => {
  const store = pathToFileURL(join(import.meta.dirname, '../../src/store/index.ts')).href;
  const script = `
    const { chooseScanner } = await import(${JSON.stringify(store)});
    const { name, scanner } = await chooseScanner({ engine: 'auto' }, { rows: 20_000, dim: 16 });
    await scanner.close();
    console.log(name);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe('');
  expect(['native', 'js']).toContain(stdout.trim());
});
