import { expect, it } from 'vitest';
import { SETTINGS } from '../../src/config/index.js';
import { chooseScanner, DISTANCE_ENGINES, probeScanners } from '../../src/store/index.js';

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
  for (const { name, available, detail } of probes) {
    const isMeasured = available && !detail.includes('never chosen automatically');
    expect([name, / ms a target at 50 rows$/.test(detail)]).toEqual([name, isMeasured]);
  }
  expect(probes.find(({ name }) => name === 'js')?.detail).toContain('ms a target');
  for (const { detail } of await probeScanners({})) expect(detail).not.toContain('ms a target');
});
