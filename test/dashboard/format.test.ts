import { expect, it } from 'vitest';
import { shortSoma, withoutRepeats } from '../../src/dashboard/format.js';

it('small amounts fit a tile, and large ones keep four digits', () => {
  expect(['0', '959700', '2720600', '12504300000', '-959700'].map(shortSoma)).toEqual([
    '0',
    '0.00096',
    '0.0027',
    '12.5',
    '-0.00096',
  ]);
});

it('an axis shows each label once', () => {
  expect(withoutRepeats(['14:21', '14:21', '14:22', '14:22', '14:23'])).toEqual(['14:21', '', '14:22', '', '14:23']);
});
