import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import type { SignedTransaction } from '../../../src/soma/chain/index.js';
import { SomaClient } from '../../../src/soma/client/index.js';
import { until } from '../../until.js';
import { type Fixture, startFixture } from './devnet-fixture.js';
import { TcpProxy } from './tcp-proxy.js';

const OTHER_CHAIN = { code: 'CONFIG_INVALID', message: expect.stringContaining('another chain') };

let fixture: Fixture;
/** The chain that begins anew, behind the URL of the first. */
let renewed: Devnet;
let proxy: TcpProxy;
let client: SomaClient;

beforeEach(async () => {
  fixture = await startFixture({ idleCheckpointMs: 10, checkpointIntervalMs: 10 });
  renewed = await startDevnet({ seed: 2, auditShare: 0, idleCheckpointMs: 200 });
  proxy = await TcpProxy.start(fixture.devnet.rpcUrl);
  client = await SomaClient.connect({ url: proxy.url });
});

afterEach(async () => {
  client.close();
  await proxy.close();
  await renewed.close();
  await fixture.close();
});

function reset(): void {
  proxy.retarget(renewed.rpcUrl);
  proxy.cut();
  proxy.restore();
}

it.each(['watchTargets', 'watchCheckpoints', 'watchEpochs'] as const)(
  '%s ends when the chain behind the URL has begun anew',
  async (watch) => {
    // The numbers of the new chain are all below the position of the watch.
    await until(async () => (await client.getServiceInfo()).checkpointHeight > 100n, 'a hundred checkpoints');
    const watching = async (): Promise<void> => {
      let isReset = false;
      for await (const _ of client[watch]()) {
        if (!isReset) reset();
        isReset = true;
      }
    };
    await expect(watching()).rejects.toMatchObject({
      ...OTHER_CHAIN,
      details: { url: proxy.url },
      hint: expect.stringContaining('reset'),
    });
  },
);

it('answers of the new chain are refused, and tell nothing of a transaction', async () => {
  const account = client.account(fixture.keypair);
  const signed: SignedTransaction[] = [];
  const onSigned = (transaction: SignedTransaction): void => void signed.push(transaction);
  await account.transferCoin({ recipient: '0x77', amountShannons: 1n, onSigned });
  reset();
  await until(() => client.getTargets().catch((error: unknown) => error instanceof Error), 'an answer');
  await expect(client.getTargets()).rejects.toMatchObject(OTHER_CHAIN);
  // What the new chain answers with a status, it does not know either.
  await expect(client.getTransaction(signed[0]!.digest)).rejects.toMatchObject(OTHER_CHAIN);
  await expect(client.getServiceInfo()).rejects.toMatchObject(OTHER_CHAIN);
  expect(await client.recoverTransaction(signed[0]!, { attempts: 1 })).toMatchObject({ kind: 'unknown' });
  // The old one is there again.
  proxy.retarget(fixture.devnet.rpcUrl);
  proxy.cut();
  proxy.restore();
  await until(() => client.getServiceInfo().catch(() => undefined), 'the old chain');
  expect(await client.recoverTransaction(signed[0]!)).toMatchObject({ kind: 'executed' });
});

it('says so when all of several fullnodes have changed to it', async () => {
  const second = await TcpProxy.start(fixture.devnet.rpcUrl);
  const failover = { probeMs: 150, probeTimeoutMs: 400 };
  const both = await SomaClient.connect({ url: proxy.url, fallbackUrls: [second.url], failover });
  try {
    reset();
    second.retarget(renewed.rpcUrl);
    second.cut();
    second.restore();
    await until(() => both.fullnodes.every(({ state }) => state === 'refused'), 'both refused');
    await expect(both.getServiceInfo()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  } finally {
    both.close();
    await second.close();
  }
});
