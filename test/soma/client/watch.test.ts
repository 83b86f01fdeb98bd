import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NO_CHAOS } from '../../../src/devnet/soma/index.js';
import { QuarryError } from '../../../src/errors/index.js';
import { manifestOf, type SignedTransaction } from '../../../src/soma/chain/index.js';
import {
  GrpcError,
  type SomaAccount,
  SomaClient,
  type TargetEvent,
  type TransactionResult,
} from '../../../src/soma/client/index.js';
import { until } from '../../until.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';
import { TcpProxy } from './tcp-proxy.js';
import { intercept } from './unfaithful-node.js';

describe('watching a devnet', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  async function submit(count: number): Promise<void> {
    const account = fixture.client.account(fixture.keypair, { parallel: 4 });
    const targets = await fixture.client.getTargets({ limit: count });
    await Promise.all(
      targets.map((target) =>
        account.submitData({
          targetId: target.id,
          manifest: manifestOf('http://127.0.0.1/data', bytesOf(10, 1)),
          modelId: target.modelIds[0]!,
          embedding: target.embedding,
          distance: 0.5,
          loss: 1,
        }),
      ),
    );
  }

  it('delivers every checkpoint once and in order, however often the stream breaks', async () => {
    fixture = await startFixture({
      idleCheckpointMs: 20,
      checkpointIntervalMs: 20,
      chaos: { rates: { ...NO_CHAOS, droppedStream: 0.3 } },
    });
    const numbers: bigint[] = [];
    let reconnects = 0;
    for await (const { sequenceNumber, summary } of fixture.client.watchCheckpoints({
      onReconnect: () => reconnects++,
    })) {
      expect(summary?.sequenceNumber).toBe(sequenceNumber);
      numbers.push(sequenceNumber);
      if (numbers.length === 40) break;
    }
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + BigInt(index)));
    expect(reconnects).toBeGreaterThan(0);
  });

  it('follows the targets of a node whose target list never ends, and warns', async () => {
    fixture = await startFixture({ targetsPerEpoch: 4, idleCheckpointMs: 20, checkpointIntervalMs: 20 });
    const { transport } = fixture.client.context;
    const { unaryWith } = transport;
    // A page that names itself as the next one.
    transport.unaryWith = async (method, request, decode, control) => {
      const answer = await unaryWith.call(transport, method, { ...request, pageToken: undefined }, decode, control);
      return { ...(answer as object), nextPageToken: Uint8Array.of(7) } as never;
    };
    const complaints: QuarryError[] = [];
    const opened = new Set<string>();
    for await (const event of fixture.client.watchTargets({ onUnfit: (error) => complaints.push(error) })) {
      if (event.type === 'opened') opened.add(event.target.id);
      if (event.type !== 'synced') continue;
      expect(event.isPartial).toBe(true);
      break;
    }
    expect(opened.size).toBe(4);
    expect(complaints).toEqual([expect.objectContaining({ code: 'PROTOCOL' })]);
  });

  it('does not take a target for filled because a list that cannot be read in full leaves it out', async () => {
    fixture = await startFixture({ targetsPerEpoch: 4, idleCheckpointMs: 20, checkpointIntervalMs: 20 });
    const { transport } = fixture.client.context;
    const { unaryWith } = transport;
    const stop = new AbortController();
    let lists = 0;
    // The second list holds one target that can be read, and three that cannot.
    transport.unaryWith = async (method, request, decode, control) => {
      const answer = (await unaryWith.call(transport, method, request, decode, control)) as {
        readonly targets: readonly { readonly message: object }[];
      };
      if (method.name !== 'ListTargets') return answer as never;
      if (++lists > 3) stop.abort();
      if (lists !== 2) return answer as never;
      const cut = answer.targets.map((each, i) =>
        i === 0 ? each : { ...each, message: { ...each.message, id: 'zz' } },
      );
      return { ...answer, targets: cut } as never;
    };
    const events: TargetEvent[] = [];
    const watching = async (): Promise<void> => {
      for await (const event of fixture.client.watchTargets({ reconcileMs: 50, signal: stop.signal }))
        events.push(event);
    };
    await expect(watching()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(events.map(({ type }) => type).sort()).toEqual(['epoch', ...Array(4).fill('opened'), 'synced']);
  });

  it('reads back from any checkpoint, and reports what was pruned', async () => {
    fixture = await startFixture({ idleCheckpointMs: 10, checkpointIntervalMs: 10, retainCheckpoints: 5 });
    await until(async () => (await fixture.client.getServiceInfo()).checkpointHeight >= 12n, 'twelve checkpoints');
    const gaps: { from: bigint; to: bigint }[] = [];
    const numbers: bigint[] = [];
    for await (const { sequenceNumber } of fixture.client.watchCheckpoints({
      from: 2n,
      onGap: (gap) => gaps.push(gap),
    })) {
      numbers.push(sequenceNumber);
      if (numbers.length === 8) break;
    }
    expect(gaps[0]?.from).toBe(2n);
    const missing = gaps.reduce((sum, gap) => sum + gap.to - gap.from + 1n, 0n);
    expect(numbers[0]).toBeGreaterThan(2n);
    expect(numbers.at(-1)).toBe(2n + missing + 7n);
  });

  it.each([
    ['is still behind when the first of them has its turn', 1],
    ['has caught up by then', 0],
  ])('takes nothing for pruned that was asked ahead of a fullnode that %s', async (_, timesBehind) => {
    fixture = await startFixture({ idleCheckpointMs: 10, checkpointIntervalMs: 10 });
    const { client } = fixture;
    await until(async () => (await client.getServiceInfo()).checkpointHeight >= 12n, 'twelve checkpoints');
    let refused = 0;
    let infos = 0;
    const asked = new Set<unknown>();
    intercept(client, 'GetCheckpoint', async (call, request) => {
      const { value } = (request as { checkpointId: { value: bigint } }).checkpointId;
      const isFirst = !asked.has(value);
      asked.add(value);
      if (!isFirst || value < 5n || value > 12n) return call();
      refused++;
      throw new GrpcError({ grpcCode: status.NOT_FOUND, message: 'none', method: '/GetCheckpoint', fromServer: true });
    });
    intercept(client, 'GetServiceInfo', async (call) => {
      const info = (await call()) as object;
      // The first tells how far to read back: another fullnode answers it.
      const isBehind = ++infos > 1 && infos <= 1 + timesBehind;
      return isBehind ? { ...info, checkpointHeight: 4n } : info;
    });
    const gaps: unknown[] = [];
    const numbers: bigint[] = [];
    for await (const { sequenceNumber } of client.watchCheckpoints({ from: 1n, onGap: (gap) => gaps.push(gap) })) {
      numbers.push(sequenceNumber);
      if (numbers.length === 14) break;
    }
    expect(refused).toBe(8);
    expect(gaps).toEqual([]);
    expect(numbers).toEqual(numbers.map((_, index) => BigInt(index + 1)));
  });

  it('stops on its signal, even when nothing happens', async () => {
    fixture = await startFixture({ idleCheckpointMs: 60_000 });
    const watch = async () => {
      for await (const _ of fixture.client.watchCheckpoints({ signal: AbortSignal.timeout(100) })) {
        // Nothing comes.
      }
    };
    await expect(watch()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('reports targets as they open, fill and expire, through broken streams too', async () => {
    fixture = await startFixture({ targetsPerEpoch: 12, chaos: { rates: { ...NO_CHAOS, droppedStream: 0.1 } } });
    const stop = new AbortController();
    const events: TargetEvent[] = [];
    const watching = (async () => {
      for await (const event of fixture.client.watchTargets({ signal: stop.signal, reconcileMs: 0 }))
        events.push(event);
    })();
    const count = (type: TargetEvent['type']): number => events.filter((event) => event.type === type).length;
    const told = (holds: () => boolean): Promise<unknown> => until(holds, 'the events');

    await told(() => count('synced') === 1);
    expect(events.slice(0, 2)).toMatchObject([{ type: 'epoch', epoch: 0n }, { type: 'opened' }]);
    expect(count('opened')).toBe(12);
    await submit(5);
    await told(() => count('filled') === 5 && count('opened') === 17);
    const filled = events.filter((event) => event.type === 'filled');
    for (const event of filled) expect(event).toMatchObject({ submitter: fixture.keypair.address, distance: 0.5 });

    await fixture.client.advanceEpoch();
    await told(() => count('epoch') === 2 && count('expired') === 12 && count('opened') === 29);
    const order = events.map((event) => event.type);
    // Nothing of the new epoch opens before the epoch is told.
    const lastEpoch = order.lastIndexOf('epoch');
    const late = events.slice(lastEpoch).filter((event) => event.type === 'opened');
    expect(late.length).toBe(12);
    expect(late.every((event) => event.target.generationEpoch === 1n)).toBe(true);

    // What the feed holds open is what the node lists, field by field.
    const open = new Map(late.map((event) => [event.target.id, event.target]));
    const listed = await fixture.client.getTargets();
    expect(listed.length).toBe(12);
    for (const target of listed) expect(open.get(target.id)).toMatchObject({ ...definedOf(target) });
    const ids = events.flatMap((event) => (event.type === 'opened' ? [event.target.id] : []));
    expect(new Set(ids).size).toBe(ids.length);
    stop.abort();
    await expect(watching).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it.each(['read', 'skip'] as const)(
    'after an outage tells what is open before the backlog, and then: %s',
    async (backlog) => {
      fixture = await startFixture({ targetsPerEpoch: 8, idleCheckpointMs: 10, checkpointIntervalMs: 10 });
      const proxy = await TcpProxy.start(fixture.devnet.rpcUrl);
      proxy.delayMs = 20;
      const client = await SomaClient.connect({ url: proxy.url });
      let reads = 0;
      const { transport } = client.context;
      const unary = transport.unary.bind(transport);
      transport.unary = ((method: { name: string }, ...rest: [never, never]) => {
        if (method.name === 'GetCheckpoint') reads++;
        return unary(method as never, ...rest);
      }) as typeof transport.unary;
      const events: TargetEvent[] = [];
      const reconcileMs = 0;
      let seen = 0n;
      const onCheckpoint = (checkpoint: bigint): void => {
        seen = checkpoint;
      };
      const stop = new AbortController();
      const watching = (async () => {
        for await (const event of client.watchTargets({ signal: stop.signal, reconcileMs, backlog, onCheckpoint }))
          events.push(event);
      })();
      await expect.poll(() => events.some(({ type }) => type === 'synced')).toBe(true);
      proxy.cut();
      const before = events.length;
      const { checkpointHeight } = await fixture.client.getServiceInfo();
      // All are filled, and then three of those that replaced them: these opened and ended unseen.
      await submit(8);
      await submit(3);
      const height = async (): Promise<bigint> => (await fixture.client.getServiceInfo()).checkpointHeight;
      await expect.poll(height).toBeGreaterThan(checkpointHeight + 60n);
      proxy.restore();
      const opened = () => events.slice(before).flatMap((event) => (event.type === 'opened' ? [event] : []));
      const filled = () => events.slice(before).flatMap((event) => (event.type === 'filled' ? [event] : []));
      await expect.poll(() => opened().length).toBe(5);
      expect(opened().every(({ checkpoint }) => checkpoint === undefined)).toBe(true);
      // One more, live, once the backlog is behind.
      await expect.poll(async () => (await height()) - seen).toBeLessThan(20n);
      await submit(1);
      await expect.poll(() => filled().length).toBe(9);
      expect(filled().at(-1)).toMatchObject({ submitter: fixture.keypair.address });
      expect(opened()).toHaveLength(5);
      if (backlog === 'skip') expect(reads).toBeLessThan(32);
      else expect(reads).toBeGreaterThan(60);
      stop.abort();
      await expect(watching).rejects.toMatchObject({ code: 'ABORTED' });
      client.close();
      await proxy.close();
    },
  );

  it('reports epochs', async () => {
    fixture = await startFixture();
    const epochs: bigint[] = [];
    for await (const { epoch, lastCheckpoint } of fixture.client.watchEpochs()) {
      epochs.push(epoch);
      expect(lastCheckpoint === undefined).toBe(epoch === 0n);
      if (epochs.length === 3) break;
      void fixture.devnet.advanceEpoch();
    }
    expect(epochs).toEqual([0n, 1n, 2n]);
  });
});

describe('waiting for the next epoch', () => {
  it('ends with its number, at its time limit, or by its signal', async () => {
    const fixture = await startFixture();
    try {
      const { transport } = fixture.client.context;
      const unary = vi.spyOn(transport, 'unary');
      const waiting = fixture.client.waitForNextEpoch();
      // It has to have seen the epoch that ends.
      await until(() => unary.mock.calls.length > 0, 'a call');
      await unary.mock.results[0]!.value;
      await fixture.devnet.advanceEpoch();
      expect(await waiting).toBe(1n);
      await expect(fixture.client.waitForNextEpoch({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
      const { signal } = new AbortController();
      await expect(fixture.client.waitForNextEpoch({ timeoutMs: 50, signal })).rejects.toMatchObject({
        code: 'TIMEOUT',
      });
      const aborted = fixture.client.waitForNextEpoch({ signal: AbortSignal.timeout(50) });
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    } finally {
      await fixture.close();
    }
  });

  it('takes a hundred waits on one signal without a warning', async () => {
    const fixture = await startFixture();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    try {
      const { signal } = new AbortController();
      const account = fixture.client.account(fixture.keypair, { parallel: 4 });
      const payment = { recipient: '0x77', amountShannons: 1n, signal };
      await Promise.all(Array.from({ length: 40 }, () => account.transferCoin(payment)));
      await Promise.all(Array.from({ length: 60 }, () => fixture.client.getServiceInfo({ signal })));
      await new Promise((done) => setImmediate(done));
      expect(warnings.filter((warning) => warning.name === 'MaxListenersExceededWarning')).toEqual([]);
    } finally {
      process.off('warning', onWarning);
      await fixture.close();
    }
  });
});

describe('waiting for a transaction', () => {
  it('ends at its time limit although the clock is set back', async () => {
    const time = Date.now;
    let setBackMs = 0;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => time() - setBackMs);
    const fixture = await startFixture();
    try {
      const waiting = fixture.client.waitForTransaction('1'.repeat(32), { waitMs: 300 });
      setBackMs = 3_600_000;
      expect(await waiting).toBeUndefined();
    } finally {
      clock.mockRestore();
      await fixture.close();
    }
  });
});

describe('transactions under faults', () => {
  it('reports when it cannot find out what became of one', async () => {
    const fixture = await startFixture({ chaos: { rates: { ...NO_CHAOS, lostReply: 1 } } });
    try {
      const account = fixture.client.account(fixture.keypair);
      // Every answer is lost, but the transaction can be looked up.
      const { digest } = await account.transferCoin({ recipient: '0x77', amountShannons: 5n });
      const { transport } = fixture.client.context;
      const unary = transport.unary.bind(transport);
      transport.unary = (async (method: { name: string }, ...rest: [never, never]) => {
        if (method.name === 'GetTransaction') throw new QuarryError('NOT_FOUND', 'this node has pruned it');
        return unary(method as never, ...rest);
      }) as typeof transport.unary;
      const journal: string[] = [];
      const onSigned = (signed: { digest: string }): void => void journal.push(signed.digest);
      const lost = account.transferCoin({ recipient: '0x77', amountShannons: 5n, onSigned });
      await expect(lost).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', details: { digest: expect.any(String) } });
      expect(journal.length).toBe(1);
      expect(journal[0]).not.toBe(digest);
      // The coin is set aside, read again, and found to have moved on: the transaction was executed, once.
      expect(account.pool.state).toMatchObject({ free: 0, quarantined: 1 });
      await until(() => account.pool.state.quarantined === 0, 'the coin read again');
      expect(account.pool.free()).toEqual(await fixture.client.listCoins(account.address));
      expect(fixture.devnet.balanceOf(`0x${'77'.padStart(64, '0')}`)).toBe(10n);
    } finally {
      await fixture.close();
    }
  });

  it('finds out what became of every transaction, and sends none twice', async () => {
    const fixture = await startFixture({
      coins: [1_000_000_000_000n],
      chaos: {
        rates: { ...NO_CHAOS, droppedStream: 0.3, unavailable: 0.1, lostReply: 0.3, lockConflict: 0.1 },
        lockMs: 100,
      },
    });
    try {
      const account = fixture.client.account(fixture.keypair, { parallel: 4 });
      const results = await Promise.all(Array.from({ length: 30 }, () => payWhateverHappens(fixture.client, account)));
      expect(results.every((result) => result.effects.status.kind === 'success')).toBe(true);
      expect(results.every((result) => result.checkpoint !== undefined)).toBe(true);
      expect(new Set(results.map((result) => result.digest)).size).toBe(30);
      expect(fixture.devnet.balanceOf(`0x${'77'.padStart(64, '0')}`)).toBe(30_000n);
      expect(fixture.devnet.faults.lostReply).toBeGreaterThan(0);
      expect(fixture.devnet.faults.lockConflict).toBeGreaterThan(0);
    } finally {
      await fixture.close();
    }
  });
});

/** Pays once, whatever happens: what is locked is tried again, and what is unknown after some calls is settled. */
async function payWhateverHappens(client: SomaClient, account: SomaAccount): Promise<TransactionResult> {
  let signed: SignedTransaction | undefined;
  let unknown: SignedTransaction | undefined;
  const onSigned = (each: SignedTransaction): void => {
    signed = each;
  };
  for (;;) {
    try {
      if (unknown !== undefined) {
        const recovery = await client.recoverTransaction(unknown);
        if (recovery.kind === 'executed') {
          const { result } = recovery;
          return { ...result, checkpoint: await client.waitForTransaction(result.digest) };
        }
        if (recovery.kind === 'unknown') continue;
        unknown = undefined;
      }
      return await account.transferCoin({ recipient: '0x77', amountShannons: 1000n, onSigned });
    } catch (error) {
      const { code } = error as QuarryError;
      if (code === 'OBJECT_LOCKED') continue;
      if (code !== 'OUTCOME_UNKNOWN') throw error;
      unknown = signed;
    }
  }
}

/** Without the fields that are absent: lists spell them as undefined. */
function definedOf<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}
