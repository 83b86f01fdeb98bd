import { afterEach, expect, it } from 'vitest';
import type { QuarryError } from '../../../src/errors/index.js';
import type { GetServiceInfoResponse } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import type { SubscribeCheckpointsResponse } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import { SomaClient } from '../../../src/soma/client/index.js';
import { LyingProxy } from '../../lying-node/proxy.js';
import { until } from '../../until.js';
import { type Fixture, startFixture } from './devnet-fixture.js';
import { intercept } from './unfaithful-node.js';

/** No checkpoint has it, but one could. */
const FAR = 2n ** 31n;

let fixture: Fixture;
afterEach(() => fixture.close());

/** Lets `change` alter the streams' items; a stream ends after an item that it leaves out. */
function tamper(change: (item: SubscribeCheckpointsResponse, n: number) => boolean): void {
  const { transport } = fixture.client.context;
  const original = transport.serverStream.bind(transport);
  let seen = 0;
  transport.serverStream = async function* (method: never, request: never, options: never) {
    for await (const item of original(method, request, options)) {
      if (!change(item as never, seen++)) return;
      yield item;
    }
  } as typeof transport.serverStream;
}

/** Lets the node name a far checkpoint as its highest, whenever `isLie` says so. */
function nameFarHeight(isLie: (n: number) => boolean): void {
  let asked = 0;
  intercept(fixture.client, 'GetServiceInfo', async (call) => {
    const info = (await call()) as GetServiceInfoResponse;
    return isLie(asked++) ? { ...info, checkpointHeight: FAR } : info;
  });
}

/** Watches until an epoch begins that was advanced to after five checkpoints. */
async function watchIntoEpoch(onReconnect: (error: QuarryError) => void): Promise<void> {
  const watching = {
    backlog: 'skip' as const,
    onReconnect,
    onCheckpoint: () => void (++checkpoints === 5 && advance()),
  };
  let checkpoints = 0;
  const advance = (): void => void fixture.devnet.advanceEpoch();
  for await (const event of fixture.client.watchTargets(watching)) {
    if (event.type === 'epoch' && event.epoch === 1n) return;
  }
}

const start = (): Promise<Fixture> => startFixture({ idleCheckpointMs: 20, checkpointIntervalMs: 20 });

it('follows on when a checkpoint is streamed once as another, far ahead', async () => {
  fixture = await start();
  tamper((item, n) => {
    if (n === 2) item.cursor = FAR;
    return true;
  });
  const reasons: QuarryError[] = [];
  await watchIntoEpoch((error) => reasons.push(error));
  expect(reasons).toMatchObject([{ code: 'PROTOCOL' }]);
});

it('follows on when a broken stream is reopened and a far checkpoint is named as the highest', async () => {
  fixture = await start();
  tamper((_, n) => n !== 2);
  // Asked before: by the watch, and when the first stream was opened.
  nameFarHeight((n) => n === 2);
  const reasons: QuarryError[] = [];
  await watchIntoEpoch((error) => reasons.push(error));
  expect(reasons).toMatchObject([{ code: 'UNREACHABLE' }, { code: 'PROTOCOL' }]);
});

it('does not begin at a checkpoint that the node does not have', async () => {
  fixture = await start();
  nameFarHeight((n) => n === 0);
  await expect(watchIntoEpoch(() => {})).rejects.toMatchObject({ code: 'PROTOCOL', retryable: true });
  await watchIntoEpoch(() => {});
});

it('takes no checkpoint for the one that it asked for if it has another number', async () => {
  fixture = await start();
  await until(async () => (await fixture.client.getServiceInfo()).checkpointHeight >= 12n, 'twelve checkpoints');
  const proxy = await LyingProxy.start(fixture.devnet.rpcUrl);
  const client = await SomaClient.connect({ url: proxy.url });
  try {
    proxy.lie({
      name: 'GetCheckpoint checkpoint.sequence_number: 2^31',
      method: '/soma.rpc.LedgerService/GetCheckpoint',
      path: [
        { number: 1, name: 'checkpoint', repeated: false },
        { number: 1, name: 'sequence_number', repeated: false },
      ],
      change: '2^31',
      kind: 'integer',
      spread: 'all',
    });
    await expect(client.getCheckpoint(5n)).rejects.toMatchObject({ code: 'PROTOCOL', retryable: true });
    const reasons: QuarryError[] = [];
    const onReconnect = (error: QuarryError): void => {
      reasons.push(error);
      proxy.honest();
    };
    const numbers: bigint[] = [];
    for await (const { sequenceNumber } of client.watchCheckpoints({ from: 0n, onReconnect })) {
      numbers.push(sequenceNumber);
      if (numbers.length === 15) break;
    }
    expect(numbers).toEqual(numbers.map((_, index) => BigInt(index)));
    expect(reasons).toMatchObject([{ code: 'PROTOCOL' }]);
  } finally {
    client.close();
    proxy.close();
  }
});
