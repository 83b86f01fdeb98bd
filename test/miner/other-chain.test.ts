import { afterEach, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import type { QuarryError } from '../../src/errors/index.js';
import { TcpProxy } from '../soma/client/tcp-proxy.js';
import { until } from '../until.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
let renewed: Devnet | undefined;
const proxies: TcpProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  await network?.close();
  await renewed?.close();
});

it.each([1, 2])('ends when the chain behind its URLs has begun anew: %i of them', async (count) => {
  network = await startMiningNetwork({ idleCheckpointMs: 20 });
  const { devnet, signer } = network;
  // The same key has coins there, so that a miner could go on.
  renewed = await startDevnet({ seed: 2, accounts: [{ address: signer.address, coins: [10n ** 9n] }] });
  for (let n = 0; n < count; n++) proxies.push(await TcpProxy.start(devnet.rpcUrl));
  const [url, ...fullnodes] = proxies.map((proxy) => proxy.url);
  const { miner, journal } = await network.miner({ network: url!, fullnodes, untilIdle: false });
  const warnings: QuarryError[] = [];
  miner.events.on('warning', ({ error }) => warnings.push(error));
  const running = miner.run();
  await until(() => miner.summary().accepted > 0 && (miner.contact.checkpoint ?? 0n) > 100n, 'a good start');
  for (const proxy of proxies) {
    proxy.retarget(renewed.rpcUrl);
    proxy.cut();
    proxy.restore();
  }
  await expect(running).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('another chain'),
    hint: expect.stringContaining('start again'),
  });
  // Once is not enough to be believed.
  expect(warnings.filter(({ code }) => code === 'CONFIG_INVALID').length).toBeGreaterThan(1);
  expect(journal.chainId).toBe(devnet.chainId);
});
