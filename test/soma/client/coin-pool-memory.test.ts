import { afterEach, expect, it } from 'vitest';
import type { ReportedEffects } from '../../../src/soma/chain/index.js';
import { CoinPool } from '../../../src/soma/client/account/coin-pool.js';
import { heapUsed } from '../../collected.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

let fixture: Fixture;
afterEach(() => fixture.close());

it('keeps no account of the coins that claims merged long ago', async () => {
  fixture = await startFixture();
  let now = 0;
  const { context } = fixture.client;
  const pool = new CoinPool({ ...context, now: () => now }, fixture.keypair.address);
  const merge = (n: number): void => {
    const exist = { kind: 'exist', version: 1n, digest: '', owner: { kind: 'address', address: pool.owner } } as const;
    const changedObjects = [
      { objectId: `0x${n.toString(16).padStart(64, '0')}`, input: exist, output: { kind: 'notExist' } },
    ];
    pool.settle([], { changedObjects } as unknown as ReportedEffects, new Map());
    now += 1_000;
  };
  for (let n = 0; n < 1_000; n++) merge(n);
  const before = await heapUsed();
  for (let n = 0; n < 100_000; n++) merge(n);
  expect((await heapUsed()) - before).toBeLessThan(4 * 2 ** 20);
  pool.close();
});
