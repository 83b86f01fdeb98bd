import { expect, it } from 'vitest';
import { fits } from '../../src/miner/feed/fits.js';
import type { Target } from '../../src/soma/client/decode/target.js';

const good: Target = {
  id: `0x${'1'.repeat(64)}`,
  status: 'open',
  embedding: new Float32Array([1, 2, 3]),
  modelIds: [`0x${'2'.repeat(64)}`],
  distanceThreshold: 1,
  rewardPoolShannons: 1n,
  generationEpoch: 0n,
  bondShannons: 0n,
};

it('takes a target that can be hit', () => expect(fits(good, 3)).toBe(true));

it.each<Partial<Target>>([
  { embedding: new Float32Array([1, 2]) },
  { embedding: new Float32Array([]) },
  { embedding: new Float32Array([1, Number.NaN, 3]) },
  { embedding: new Float32Array([1, Number.POSITIVE_INFINITY, 3]) },
  { embedding: new Float32Array(3) },
  { distanceThreshold: Number.NaN },
  { distanceThreshold: Number.POSITIVE_INFINITY },
  { modelIds: [] },
  { rewardPoolShannons: 2n ** 64n - 1n },
  { bondShannons: 2n ** 63n },
])('leaves out what cannot be hit: %o', (lie) => expect(fits({ ...good, ...lie }, 3)).toBe(false));
