import { afterEach, describe, expect, it } from 'vitest';
import type { SubscribeCheckpointsResponse } from '../../../src/gen/soma/rpc/subscription_service_pb.js';
import type { SomaClient, TargetEvent } from '../../../src/soma/client/index.js';
import { EpochTracker } from '../../../src/soma/client/watch/epoch-tracker.js';
import { until } from '../../until.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

describe('the epoch', () => {
  it('follows the end of the one before at once', () => {
    const tracker = new EpochTracker();
    expect(tracker.observe(7n)).toBe(true);
    expect(tracker.end(7n)).toBe(true);
    expect(tracker.epoch).toBe(8n);
    expect(tracker.end(7n)).toBe(false);
    expect(tracker.observe(8n)).toBe(false);
  });

  it.each([8n, 6n, 2n ** 64n - 1n])('is not changed to %s by what one or two checkpoints say', (told) => {
    const tracker = new EpochTracker();
    tracker.observe(7n);
    for (let n = 0; n < 20; n++) {
      expect(tracker.observe(told)).toBe(false);
      expect(tracker.observe(told)).toBe(false);
      tracker.observe(7n);
    }
    expect(tracker.epoch).toBe(7n);
  });

  it('is the one that three checkpoints in a row name, forwards and back', () => {
    const tracker = new EpochTracker();
    tracker.observe(7n);
    expect([9n, 10n, 10n, 10n].map((epoch) => tracker.observe(epoch))).toEqual([false, false, false, true]);
    expect([7n, 7n, 7n].map((epoch) => tracker.observe(epoch))).toEqual([false, false, true]);
    expect(tracker.epoch).toBe(7n);
  });
});

describe('a feed whose node names a wrong epoch', () => {
  let fixture: Fixture;
  /** Checkpoints that came on streams. */
  let seen = 0;
  afterEach(() => fixture.close());

  /** Lets `change` alter every checkpoint on the stream. */
  function tamper(client: SomaClient, change: (answer: SubscribeCheckpointsResponse, n: number) => void): void {
    const { transport } = client.context;
    const original = transport.serverStream.bind(transport);
    seen = 0;
    transport.serverStream = async function* (method: never, request: never, options: never) {
      for await (const item of original(method, request, options)) {
        change(item as never, seen++);
        yield item;
      }
    } as typeof transport.serverStream;
  }

  /** Watches until so many checkpoints came. */
  async function watch(checkpoints: number): Promise<TargetEvent[]> {
    const events: TargetEvent[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const event of fixture.client.watchTargets({ signal: stop.signal, reconcileMs: 0 }))
        events.push(event);
    })();
    await until(() => events.some(({ type }) => type === 'synced'), 'targets');
    await until(() => seen > checkpoints, `${checkpoints} checkpoints`);
    stop.abort();
    await watching.catch(() => {});
    return events;
  }

  it('keeps its targets through one wrong checkpoint', async () => {
    fixture = await startFixture({ targetsPerEpoch: 6 });
    tamper(fixture.client, ({ checkpoint }, n) => {
      if (n === 2 && checkpoint?.summary !== undefined) checkpoint.summary.epoch = 1_000n;
    });
    const types = (await watch(7)).map(({ type }) => type);
    expect(types.filter((type) => type === 'epoch')).toHaveLength(1);
    expect(types).not.toContain('expired');
  });

  it('takes a wrong epoch back when the chain goes on without it, and opens the targets again', async () => {
    fixture = await startFixture({ targetsPerEpoch: 6 });
    tamper(fixture.client, ({ checkpoint }, n) => {
      if (n >= 2 && n < 6 && checkpoint?.summary !== undefined) checkpoint.summary.epoch = 1_000n;
    });
    const events = await watch(13);
    expect(events.flatMap((event) => (event.type === 'epoch' ? [event.epoch] : []))).toEqual([0n, 1_000n, 0n]);
    const wrong = events.findIndex((event) => event.type === 'epoch' && event.epoch === 1_000n);
    expect(events.slice(wrong).filter(({ type }) => type === 'opened')).toHaveLength(6);
  });
});
