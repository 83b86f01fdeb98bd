import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Keypair } from '../../src/soma/chain/index.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

test('one process at a time spends the coins of a key on a chain; another key, or a dry run, is free to', async () => {
  network = await startMiningNetwork();
  const keysDir = join(network.dir, 'keys');
  const options = (name: string) => ({ keysDir, stateDir: join(network!.dir, name) });
  const first = await network.miner(options('a'));
  await expect(network.miner(options('b'))).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: `process ${process.pid} already spends the coins of ${network.signer.address}`,
    hint: expect.stringContaining('use separate keys'),
  });
  expect(existsSync(join(network.dir, 'b', 'journal.db'))).toBe(false);
  await (await network.miner({ ...options('c'), dryRun: true })).close();
  await (await network.miner({ ...options('d'), signer: Keypair.generate() })).close();
  await first.close();
  await (await network.miner(options('b'))).close();
});
