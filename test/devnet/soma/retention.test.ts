import { expect, it } from 'vitest';
import { startDevnet } from '../../../src/devnet/soma/index.js';
import { Keypair } from '../../../src/soma/chain/index.js';
import { SomaClient } from '../../../src/soma/client/soma-client.js';

it('keeps so many transactions, prunes the oldest checkpoints for them, and stays usable', async () => {
  const alice = Keypair.generate();
  const bob = Keypair.generate().address;
  const devnet = await startDevnet({
    checkpointIntervalMs: 10,
    readLagMs: 0,
    retainTransactions: 12,
    accounts: [{ address: alice.address, coins: [1_000_000_000n] }],
  });
  const client = await SomaClient.connect({ url: devnet.rpcUrl });
  try {
    const account = client.account(alice);
    const digests: string[] = [];
    for (let n = 0; n < 30; n++) {
      digests.push((await account.transferCoin({ recipient: bob, amountShannons: 1_000n })).digest);
    }
    const { lowestAvailableCheckpoint } = await client.getServiceInfo();
    expect(lowestAvailableCheckpoint).toBeGreaterThan(0n);
    await expect(client.getTransaction(digests[0]!)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const digest of digests.slice(-8)) expect((await client.getTransaction(digest)).digest).toBe(digest);
    expect(devnet.balanceOf(bob)).toBe(30_000n);
  } finally {
    client.close();
    await devnet.close();
  }
});
