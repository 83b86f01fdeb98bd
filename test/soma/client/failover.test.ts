import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { QuarryError } from '../../../src/errors/index.js';
import { manifestOf } from '../../../src/soma/chain/index.js';
import { type FullnodeEvent, SomaClient } from '../../../src/soma/client/index.js';
import { Fullnode } from '../../../src/soma/client/transport/fullnode.js';
import type { Lie } from '../../lying-node/lies.js';
import { LyingProxy } from '../../lying-node/proxy.js';
import { until } from '../../until.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';
import { TcpProxy } from './tcp-proxy.js';

const FAST = { probeMs: 150, probeTimeoutMs: 400 } as const;

const SILENT_STREAMS: Lie = {
  name: 'SubscribeCheckpoints: never',
  method: '/soma.rpc.SubscriptionService/SubscribeCheckpoints',
  path: [],
  change: 'never',
  kind: 'answer',
  spread: 'all',
};

const SERVICE_INFO = '/soma.rpc.LedgerService/GetServiceInfo';

/** No checkpoint has it, but one could. */
const FAR_HEIGHT: Lie = {
  name: 'GetServiceInfo checkpoint_height: 2^31',
  method: SERVICE_INFO,
  path: [{ number: 4, name: 'checkpoint_height', repeated: false }],
  change: '2^31',
  kind: 'integer',
  spread: 'all',
};

const STUCK: Lie = {
  name: 'GetServiceInfo: an answer of before',
  method: SERVICE_INFO,
  path: [],
  change: 'an answer of before',
  kind: 'answer',
  spread: 'all',
};

describe('several fullnodes of one network', () => {
  let fixture: Fixture;
  let near: TcpProxy;
  let far: TcpProxy;
  let client: SomaClient;
  let events: FullnodeEvent[];
  const others: (() => unknown)[] = [];

  beforeEach(async () => {
    fixture = await startFixture({ idleCheckpointMs: 40, checkpointIntervalMs: 40 });
    near = await TcpProxy.start(fixture.devnet.rpcUrl);
    far = await TcpProxy.start(fixture.devnet.rpcUrl);
    far.delayMs = 40;
    events = [];
    // The slow one is named first: its place in the list must not matter.
    client = await SomaClient.connect({
      url: far.url,
      fallbackUrls: [near.url],
      failover: FAST,
      onFullnode: (event) => events.push(event),
    });
  });

  afterEach(async () => {
    client.close();
    for (const close of others.splice(0).reverse()) await close();
    await Promise.all([near.close(), far.close()]);
    await fixture.close();
  });

  const preferred = (): string | undefined => client.fullnodes.find((node) => node.preferred)?.url;

  it('prefers the fastest, and goes back to it when it recovers', async () => {
    await until(() => preferred() === near.url, 'the near one preferred');
    const [first] = client.fullnodes;
    expect(first).toMatchObject({ url: far.url, state: 'ready' });
    // Its proxy holds back what goes either way.
    expect(first!.latencyMs!).toBeGreaterThan(2 * far.delayMs - 10);

    near.cut();
    await expect(client.getServiceInfo()).resolves.toMatchObject({ chain: 'localnet' });
    expect(preferred()).toBe(far.url);
    await until(() => client.fullnodes[1]!.state === 'down', 'the cut one down');
    expect(events.map(({ type, url }) => `${type} ${url}`)).toContain(`down ${near.url}`);

    near.restore();
    await until(() => preferred() === near.url, 'the near one preferred again');
  });

  it('leaves a node that goes on telling what does not fit, and keeps the only one there is', async () => {
    await until(() => preferred() === near.url, 'the near one preferred');
    const unfit = new QuarryError('PROTOCOL', 'the node reports an impossible epoch');
    client.reportUnfit(unfit);
    client.reportUnfit(unfit);
    expect(preferred()).toBe(near.url);
    client.reportUnfit(unfit);
    expect(preferred()).toBe(far.url);
    await expect(client.getServiceInfo()).resolves.toMatchObject({ chain: 'localnet' });
    // Three probes later it is still left alone, though it answers faster.
    await until(() => events.length > 0 && client.fullnodes[1]!.state === 'ready', 'the near one ready');
    for (let n = 0; n < 5; n++) client.reportUnfit(unfit);
    expect(preferred()).toBe(far.url);
  });

  it('leaves a node whose streams are silent, though it answers everything else', async () => {
    const silent = await LyingProxy.start(fixture.devnet.rpcUrl);
    others.push(() => silent.close());
    // Probes as patient as usual: a late answer on a busy machine must not be why it is left.
    const both = await SomaClient.connect({ url: silent.url, fallbackUrls: [far.url] });
    others.push(() => both.close());
    const inUse = (): string | undefined => both.fullnodes.find((node) => node.preferred)?.url;
    let next: bigint | undefined;
    for await (const { sequenceNumber } of both.watchCheckpoints()) {
      expect(sequenceNumber).toBe(next ?? sequenceNumber);
      next = sequenceNumber + 1n;
      if (inUse() === silent.url && silent.told === 0) silent.lie(SILENT_STREAMS);
      if (inUse() === far.url && silent.told > 0) break;
    }
    expect(inUse()).toBe(far.url);
  });

  it.each(['from the start', 'later'])(
    'is not drawn off by one that names a checkpoint it does not have, %s',
    async (when) => {
      const liar = await LyingProxy.start(fixture.devnet.rpcUrl);
      others.push(() => liar.close());
      liar.delayMs = 120;
      if (when === 'from the start') liar.lie(FAR_HEIGHT);
      const told: FullnodeEvent[] = [];
      const onFullnode = (event: FullnodeEvent): void => void told.push(event);
      const both = await SomaClient.connect({ url: near.url, fallbackUrls: [liar.url], failover: FAST, onFullnode });
      others.push(() => both.close());
      await until(
        () => both.fullnodes.some((node) => node.preferred && node.url === near.url),
        'the near one preferred',
      );
      if (when === 'later') liar.lie(FAR_HEIGHT);
      const { told: before } = liar;
      await until(() => liar.told >= before + 5, 'five lies');
      expect(both.fullnodes[1]).toMatchObject({ url: liar.url, checkpointHeight: 2n ** 31n });
      expect(told.map(({ type, url }) => `${type} ${url}`)).toEqual([`preferred ${near.url}`]);
      expect(both.nodeUrl).toBe(near.url);
    },
  );

  it('leaves one that has fallen behind, though it answers faster', async () => {
    const stuck = await LyingProxy.start(fixture.devnet.rpcUrl);
    others.push(() => stuck.close());
    const both = await SomaClient.connect({ url: stuck.url, fallbackUrls: [far.url], failover: FAST });
    others.push(() => both.close());
    await until(() => both.nodeUrl === stuck.url, 'the fast one preferred');
    stuck.lie(STUCK);
    await until(() => both.nodeUrl === far.url, 'the other one preferred');
    expect(stuck.told).toBeGreaterThan(0);
  });

  it('does not leave it sooner for being overloaded as well', async () => {
    const node = new Fullnode({ url: near.url }, {}, 400);
    others.push(() => node.close());
    node.accept(await node.probe());
    const left = [0, 0, 0].map((now) => node.noteUnfit(now));
    expect(left).toEqual([false, false, true]);
    node.markOverloaded(0);
    expect(node.usable(29_999)).toBe(false);
    expect(node.usable(30_000)).toBe(true);
  });

  it('starts no thread for a fullnode before it answers', async () => {
    let threads = 0;
    const count = (): void => void threads++;
    process.on('worker', count);
    others.push(() => process.off('worker', count));
    near.silent = true;
    const own = await SomaClient.connect({ url: far.url, fallbackUrls: [near.url], failover: FAST });
    others.push(() => own.close());
    own.executeInThread();
    const { accepted } = near;
    // Every probe that is not answered makes a new connection.
    await until(() => near.accepted >= accepted + 3, 'three probes');
    expect(threads).toBe(1);
    near.silent = false;
    await until(() => own.fullnodes.every(({ state }) => state === 'ready'), 'both ready');
    expect(threads).toBe(2);
  });

  it('moves to another when the preferred one becomes slow', async () => {
    await until(() => preferred() === near.url, 'the near one preferred');
    far.delayMs = 0;
    near.delayMs = 60;
    await until(() => preferred() === far.url, 'the other one preferred');
    expect(events.at(-1)).toMatchObject({ type: 'preferred', url: far.url });
  });

  it('answers every read while fullnodes fail in turn', async () => {
    far.delayMs = 0;
    let reads = 0;
    let stop = false;
    const reading = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!stop) {
          await client.getServiceInfo();
          await client.getTargets({ limit: 3 });
          reads++;
        }
      }),
    );
    for (const proxy of [near, far, near]) {
      proxy.cut();
      const before = reads;
      await until(() => reads >= before + 8, 'reads that the other one answers');
      proxy.restore();
      await until(() => client.fullnodes.every(({ state }) => state === 'ready'), 'both ready');
    }
    stop = true;
    await reading;
    expect(reads).toBeGreaterThan(20);
  });

  it('moves calls off a fullnode that falls silent, long before their own deadline', async () => {
    await until(() => preferred() === near.url, 'the near one preferred');
    near.silent = true;
    await expect(client.getServiceInfo({ timeoutMs: 60_000 })).resolves.toMatchObject({ chain: 'localnet' });
  });

  it('delivers every checkpoint once and in order through the loss of the fullnode a stream comes from', async () => {
    await until(() => preferred() === near.url, 'the near one preferred');
    const numbers: bigint[] = [];
    let reconnects = 0;
    for await (const { sequenceNumber } of client.watchCheckpoints({ onReconnect: () => reconnects++ })) {
      numbers.push(sequenceNumber);
      if (numbers.length === 8) near.cut();
      if (numbers.length === 24) {
        near.restore();
        far.silent = true;
      }
      if (numbers.length === 60) break;
    }
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + BigInt(index)));
    expect(reconnects).toBeGreaterThanOrEqual(2);
  });

  it('asks another node what became of a transaction, and resends the same bytes', async () => {
    const account = client.account(fixture.keypair);
    const [first, second] = await client.getTargets({ limit: 2 });
    const submission = (target: NonNullable<typeof first>) => ({
      targetId: target.id,
      manifest: manifestOf('http://127.0.0.1/data', bytesOf(10, 1)),
      modelId: target.modelIds[0]!,
      embedding: target.embedding,
      distance: 0.5,
      loss: 1,
      wait: false,
    });
    await until(() => preferred() === near.url, 'the near one preferred');

    // Executed, and its answer lost.
    const digests: string[] = [];
    let kept = 0;
    const answered = await account.submitData({
      ...submission(first!),
      onSigned: ({ digest }) => {
        digests.push(digest);
        near.onServerBytes = () => {
          if (kept++ === 0) setTimeout(() => near.cut(), 150);
          return false;
        };
      },
    });
    expect(digests).toEqual([answered.digest]);
    expect(kept).toBeGreaterThan(0);
    expect(answered.effects.status.kind).toBe('success');

    // Never arrived.
    near.onServerBytes = undefined;
    near.restore();
    await until(() => preferred() === near.url, 'the near one preferred again');
    const again = await account.submitData({
      ...submission(second!),
      onSigned: ({ digest }) => {
        digests.push(digest);
        near.silent = true;
        setTimeout(() => near.cut(), 100);
      },
    });
    expect(digests).toEqual([answered.digest, again.digest]);
    expect(again.effects.status.kind).toBe('success');
    for (const target of [first!, second!]) expect((await client.getTarget(target.id)).status).toBe('filled');
  });

  it('refuses to mix chains, at the start and later', async () => {
    const other: Devnet = await startDevnet({ seed: 2, auditShare: 0 });
    others.push(() => other.close());
    const mixed = SomaClient.connect({ url: near.url, fallbackUrls: [other.rpcUrl], failover: FAST });
    await expect(mixed).rejects.toMatchObject({ code: 'CONFIG_INVALID', details: { url: other.rpcUrl } });
    const error = await mixed.catch((caught: QuarryError) => caught);
    expect(error).toBeInstanceOf(QuarryError);

    // The same address leads to another chain after a while.
    await until(() => preferred() === near.url, 'the near one preferred');
    const { chainId } = await client.getServiceInfo();
    near.retarget(other.rpcUrl);
    near.cut();
    near.restore();
    for (let i = 0; i < 20; i++) expect((await client.getServiceInfo()).chainId).toBe(chainId);
    await until(() => client.fullnodes[1]!.state === 'refused', 'the changed one refused');
    expect(events.at(-1)).toBeDefined();
    expect(events.map(({ type, url }) => `${type} ${url}`)).toContain(`refused ${near.url}`);
    expect((await client.getServiceInfo()).chainId).toBe(chainId);
  });

  it('starts with the fullnodes that answer, and admits the others when they come back', async () => {
    near.cut();
    far.silent = true;
    const third = await TcpProxy.start(fixture.devnet.rpcUrl);
    others.push(() => third.close());
    const urls = { url: near.url, fallbackUrls: [far.url, third.url] };
    // Its probe would outlast the test.
    const patient = await SomaClient.connect({ ...urls, failover: { ...FAST, probeTimeoutMs: 600_000 } });
    patient.close();
    const late = await SomaClient.connect({ ...urls, failover: FAST });
    others.push(() => late.close());
    expect(late.fullnodes.map(({ state }) => state)).toEqual([
      'down',
      expect.stringMatching(/unchecked|down/),
      'ready',
    ]);
    await expect(late.getServiceInfo()).resolves.toMatchObject({ chain: 'localnet' });
    near.restore();
    far.silent = false;
    await until(() => late.fullnodes.every(({ state }) => state === 'ready'), 'all ready');
  });

  it('reports that none answers, and recovers when one does', async () => {
    near.cut();
    far.cut();
    await expect(client.getServiceInfo()).rejects.toMatchObject({
      code: expect.stringMatching(/UNREACHABLE|OVERLOADED/),
    });
    far.restore();
    await until(() => client.fullnodes.some(({ state }) => state === 'ready'), 'one is back');
    await expect(client.getServiceInfo()).resolves.toMatchObject({ chain: 'localnet' });
    const none = SomaClient.connect({ url: 'http://127.0.0.1:1', fallbackUrls: ['http://127.0.0.1:2'] });
    await expect(none).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });
});
