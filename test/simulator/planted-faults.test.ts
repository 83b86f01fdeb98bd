import { expect, it } from 'vitest';
import { PLANTED_FAULTS, simulateWith } from './planted-faults.js';

it.each(PLANTED_FAULTS)('finds, and names the seed, where $name', { timeout: 600_000 }, async (fault) => {
  expect(await simulateWith(fault)).toMatch(/^seed \d+: npm run simulate -- --seed \d+\n {2}\S/m);
});
