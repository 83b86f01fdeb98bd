import { afterEach, expect, test } from 'vitest';
import type { FullnodeEvent } from '../../src/soma/client/index.js';
import { TcpProxy } from '../soma/client/tcp-proxy.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
const proxies: TcpProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  await network?.close();
});

test('mines on while fullnodes are lost in turn, and the books agree to the shannon', async () => {
  // Half of all pairs hit, so that there are more than enough.
  network = await startMiningNetwork({ initialDistanceThreshold: 1 });
  const { devnet, signer } = network;
  for (let i = 0; i < 2; i++) proxies.push(await TcpProxy.start(devnet.rpcUrl));
  const [near, far] = proxies as [TcpProxy, TcpProxy];
  far.delayMs = 15;
  const events: FullnodeEvent[] = [];
  const { miner, journal } = await network.miner({
    network: far.url,
    fullnodes: [near.url],
    onFullnode: (event) => events.push(event),
    // More than are in flight at once, so that the loss of a node is met on the way.
    maxAccepted: 30,
  });
  // Every other submission loses the fullnode that is preferred, with the call on its way.
  let submitted = 0;
  miner.events.on('submitted', () => {
    if (submitted++ % 2 === 1) return;
    const lost = events.findLast(({ type }) => type === 'preferred')?.url === near.url ? near : far;
    setTimeout(() => {
      lost.cut();
      setTimeout(() => lost.restore(), 300);
    }, 3);
  });
  const run = await miner.run();
  expect(run).toMatchObject({ rejected: 0, lost: 0 });
  expect(run.accepted).toBeGreaterThanOrEqual(8);
  expect(run.accepted).toBeLessThanOrEqual(30);
  expect(events.some(({ type }) => type === 'preferred')).toBe(true);
  expect(proxies.reduce((sum, { accepted }) => sum + accepted, 0)).toBeGreaterThan(2);

  near.restore();
  far.restore();
  await devnet.advanceEpoch();
  await devnet.advanceEpoch();
  const { claimed, rewardShannons, feesShannons } = await miner.claim();
  expect(claimed).toBe(run.accepted);
  expect(devnet.balanceOf(signer.address)).toBe(FUNDED_SHANNONS + rewardShannons - feesShannons);
  expect(journal.totals()).toMatchObject({ accepted: run.accepted, claimed, pending: 0 });
});
