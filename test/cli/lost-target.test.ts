import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MinerEvents } from '../../src/miner/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { SomaClient } from '../../src/soma/client/soma-client.js';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';
import { until } from '../until.js';
import { cliRunner } from './run-cli.js';

const rival = Keypair.generate();
let network: MiningNetwork;
beforeAll(async () => {
  network = await startMiningNetwork();
  const { rpcUrl: url, faucetUrl } = network.devnet;
  const client = await SomaClient.connect({ url, faucetUrl });
  await client.requestFaucet(rival.address);
  client.close();
});
afterAll(() => network.close());

it('a miner loses a target to another: why tells who, when and by how much', async () => {
  const miners = await Promise.all(
    [network.signer, rival].map(async (signer, i) => {
      const stateDir = join(network.dir, `miner-${i}`);
      const { miner, close } = await network.miner({ stateDir, signer, untilIdle: false });
      const won = new Set<string>();
      const lost: MinerEvents['outcome'][0][] = [];
      miner.events.on('outcome', (event) => {
        if (event.outcome.kind === 'accepted') won.add(event.targetId);
        if (event.outcome.kind === 'lost') lost.push(event);
      });
      return { miner, close, stateDir, address: signer.address, won, lost };
    }),
  );
  for (const { miner } of miners) void miner.run();
  const race = () => {
    for (const [i, loser] of miners.entries()) {
      const winner = miners[1 - i]!;
      const lost = loser.lost.find(({ targetId }) => winner.won.has(targetId));
      if (lost !== undefined) return { lost, loser, winner };
    }
    return undefined;
  };
  // Both know the same data and answer every new target: one of the two is second, in the first epoch that meets both ready.
  const admin = await SomaClient.connect({ url: network.devnet.rpcUrl, adminUrl: network.devnet.adminUrl });
  while (race() === undefined) {
    await until(race, 'both to answer the same target', { deadlineMs: 3_000 }).catch(() => admin.advanceEpoch());
  }
  admin.close();
  const { lost, loser, winner } = race()!;
  for (const { miner } of miners) miner.stop();
  for (const { close } of miners) await close();

  const run = cliRunner({ HOME: network.dir, QUARRY_STATE_DIR: loser.stateDir });
  const asked = ['why', lost.targetId, '--network', network.devnet.rpcUrl];
  const told = (await run([...asked, '--json'])).json;
  expect(told).toMatchObject({ outcome: 'lost', targetId: lost.targetId, digest: lost.digest });
  expect(told.winner).toMatchObject({ status: 'filled', submitter: winner.address });
  expect(told.winner.distance).toBeLessThanOrEqual(lost.threshold);
  expect(Math.abs(told.winner.atMs - Date.parse(told.at))).toBeLessThan(60_000);
  expect(told.node).toBe(network.devnet.rpcUrl);
  expect(Date.parse(told.seenAt)).toBeLessThanOrEqual(Date.parse(told.at));
  // What was submitted is in the store: it is told, or the five that are told are closer.
  const [closest, ...others] = told.candidates;
  expect(closest).toMatchObject({ isHit: true });
  expect(closest.distance).toBeLessThanOrEqual(told.distance + 1e-6);
  const isTold = told.candidates.some(({ checksum }: { checksum: string }) => checksum === told.checksum);
  expect(isTold || (told.candidates.length === 5 && others.at(-1).distance <= told.distance + 1e-6)).toBe(true);
  for (const { distance } of others) expect(distance).toBeGreaterThanOrEqual(closest.distance);
  const { stdout } = await run(asked);
  expect(stdout).toMatch(/seen {7}20\d\d-\S+ on http\S+, .+ before the submission was signed/);
  expect(stdout).toMatch(new RegExp(`stored {5}0\\.\\d{6} hits {3}${closest.checksum.slice(0, 16)}`));
  expect(stdout).toMatch(
    new RegExp(`won by {5}${winner.address} at 0\\.\\d{6}, 0\\.\\d{6} (closer|farther) than ours`),
  );
  expect(stdout).toMatch(/won at {5}20\d\d-\S+, its checkpoint .+ (before|after) ours was signed/);
});

it('a target that nothing was submitted for: why tells whose it is, and how near the store came', async () => {
  const client = await SomaClient.connect({ url: network.devnet.rpcUrl });
  const [open] = await client.getTargets({ limit: 1, status: 'open' });
  client.close();
  const stateDir = join(network.dir, 'onlooker');
  const { miner, close } = await network.miner({ stateDir, dryRun: true });
  await miner.run();
  await close();
  const run = cliRunner({ HOME: network.dir, QUARRY_STATE_DIR: stateDir });
  const asked = ['why', open!.id, '--network', network.devnet.rpcUrl];
  const { json } = await run([...asked, '--json']);
  expect(json).toMatchObject({ targetId: open!.id, outcome: null, winner: { status: 'open' } });
  expect(json.candidates.length).toBeGreaterThan(0);
  expect((await run(asked)).stdout).toContain('no submission from here');
  const unknown = await run(['why', `0x${'0'.repeat(64)}`, '--network', network.devnet.rpcUrl, '--json']);
  expect(unknown.error.code).toBe('NOT_FOUND');
});
