import { afterEach, beforeEach, expect, it } from 'vitest';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { SubscriptionService } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { SomaClient } from '../../../src/soma/client/index.js';
import { type Fixture, startFixture } from './devnet-fixture.js';
import { TestServer } from './grpc-server.js';

/** The position of the liar. */
const FAR = 2n ** 31n;

let fixture: Fixture;
/** Names, delivers and streams checkpoints that the chain does not have. */
let liar: TestServer;
let client: SomaClient;

beforeEach(async () => {
  fixture = await startFixture({ idleCheckpointMs: 20, checkpointIntervalMs: 20 });
  const { chainId } = fixture.devnet;
  const info = { chainId, chain: 'localnet', epoch: 0n, checkpointHeight: FAR, server: 'liar/1' };
  liar = await new TestServer()
    .add(LedgerService, {
      getServiceInfo: () => info,
      getCheckpoint: ({ checkpointId }: { checkpointId: { value: bigint } }) => ({
        checkpoint: { sequenceNumber: checkpointId.value },
      }),
    })
    .add(StateService, { listTargets: () => ({}) })
    .add(SubscriptionService, {
      async *subscribeCheckpoints() {
        for await (const { sequenceNumber } of fixture.client.watchCheckpoints()) {
          const cursor = FAR + sequenceNumber;
          yield { cursor, checkpoint: { sequenceNumber: cursor } };
        }
      },
    })
    .start();
  const failover = { probeMs: 150, probeTimeoutMs: 400 };
  client = await SomaClient.connect({ url: liar.url, fallbackUrls: [fixture.devnet.rpcUrl], failover });
});

afterEach(async () => {
  client.close();
  liar.stop();
  await fixture.close();
});

it('is given up when every fullnode but the one that delivered it stays behind', async () => {
  expect(client.nodeUrl).toBe(liar.url);
  const watching = async (): Promise<void> => {
    let count = 0;
    for await (const { sequenceNumber } of client.watchCheckpoints()) {
      expect(sequenceNumber).toBeGreaterThan(FAR);
      if (++count === 3) liar.stop();
    }
  };
  await expect(watching()).rejects.toMatchObject({ code: 'PROTOCOL', hint: expect.stringContaining('watch again') });
  for await (const { sequenceNumber } of client.watchCheckpoints()) {
    expect(sequenceNumber).toBeLessThan(FAR);
    break;
  }
});

it('that a watch of targets began at is given up, too', async () => {
  const watching = async (): Promise<void> => {
    for await (const { type } of client.watchTargets()) if (type === 'synced') liar.stop();
  };
  await expect(watching()).rejects.toMatchObject({ code: 'PROTOCOL' });
});
