import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scannerText, scanReport, scanText } from '../../src/cli/doctor/scan-report.js';
import { ensureModelFile } from '../../src/store/model-file.js';
import { temporaryDir } from '../store/fixtures.js';

const CHECKSUM = 'a'.repeat(64);

test('doctor measures distance engines at the size of the store, and says whose size it was', async () => {
  const store = temporaryDir();
  const model = join(store, 'scores', `v1-${CHECKSUM}`);
  ensureModelFile(model, { architecture: 'v1', checksum: CHECKSUM, embeddingDim: 32 });
  writeFileSync(join(model, 'f32.bin'), new Uint8Array(700 * 32 * 4));
  const { distance, scan } = await scanReport({}, store);
  expect(scan).toMatchObject({ rows: 700, dim: 32, store, measuredRows: 700 });
  expect(distance.find(({ name }) => name === scan?.auto)?.secondsPerTarget).toBeGreaterThan(0);
  expect(scanText(scan!)).toBe(
    `at 700 rows x 32 (the size of ${store}) auto chooses ${scan?.auto}: a GPU is considered from 10000 rows`,
  );
  const js = distance.find(({ name }) => name === 'js')!;
  expect(scannerText({ ...js, secondsPerTarget: 1.6912 })).toBe('plain JavaScript; 1690 ms a target');
  expect(scannerText(js)).toMatch(/^plain JavaScript; [\d.]+ ms a target$/);
});

test('without a store it says which size it assumed; without --calibrate nothing is measured', async () => {
  const { scan } = await scanReport({}, temporaryDir());
  expect(scan).toMatchObject({ rows: 10_000, dim: 2048 });
  expect(scan?.store).toBeUndefined();
  expect(scanText(scan!)).toContain('assumed, as there is no store');
  const unmeasured = await scanReport({}, undefined);
  expect(unmeasured.scan).toBeUndefined();
  expect(unmeasured.distance.every(({ secondsPerTarget }) => secondsPerTarget === undefined)).toBe(true);
});

test('a measurement on fewer rows than there are is told', () => {
  expect(scanText({ rows: 1_000_000, dim: 2048, measuredRows: 32_768, auto: 'native', withoutGpu: 'too many' })).toBe(
    'at 1000000 rows x 2048 (assumed, as there is no store with scores yet; measured on 32768 of them (256.0 MiB) and scaled up) auto chooses native: too many',
  );
});
