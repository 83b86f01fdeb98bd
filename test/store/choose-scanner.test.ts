import { expect, it } from 'vitest';
import { SETTINGS } from '../../src/config/index.js';
import { chooseScanner, DISTANCE_ENGINES } from '../../src/store/index.js';

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
