import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { statusParts } from '../../src/cli/mining/status-line.js';
import { TcpProxy } from '../soma/client/tcp-proxy.js';
import { until } from '../until.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

let network: MiningNetwork | undefined;
let proxy: TcpProxy | undefined;
afterEach(async () => {
  await network?.close();
  await proxy?.close();
});

describe('a fullnode that is lost', () => {
  it('is reported by an event and in the status, and so is its return', async () => {
    network = await startMiningNetwork();
    proxy = await TcpProxy.start(network.devnet.rpcUrl);
    const { miner } = await network.miner({ network: proxy.url, untilIdle: false, dryRun: true });
    const stop = new AbortController();
    const running = miner.run({ signal: stop.signal });
    await once(miner.events, 'started');
    const lost = once(miner.events, 'fullnode');
    proxy.cut();
    expect(await lost).toMatchObject([{ state: 'lost', reason: { code: 'UNREACHABLE' } }]);
    expect(statusParts(miner.summary())[0]).toMatch(/^FULLNODE LOST /);
    expect(miner.contact).toMatchObject({ connected: false });
    const back = once(miner.events, 'fullnode');
    proxy.restore();
    expect(await back).toMatchObject([{ state: 'back' }]);
    expect(miner.summary().fullnodeLostMs).toBeUndefined();
    stop.abort();
    await running;
  });
});

describe('the end of a run', () => {
  it('waits for answers no longer than allowed, and the next run reports what was left', async () => {
    // Nothing is final before the test would have timed out.
    network = await startMiningNetwork({ finalityDelayMs: 600_000 });
    const first = await network.miner({ drainMs: 100, untilIdle: false, maxInFlight: 1 });
    const stop = new AbortController();
    first.miner.events.once('submitted', () => stop.abort());
    await first.miner.run({ signal: stop.signal });
    expect(first.journal.totals().pending).toBeGreaterThan(0);
    await first.close();

    const second = await network.miner({ drainMs: 100, untilIdle: false, maxInFlight: 1 });
    const started = once(second.miner.events, 'started');
    const again = new AbortController();
    const running = second.miner.run({ signal: again.signal });
    expect((await started)[0]).toMatchObject({ unsettled: second.journal.totals().pending });
    again.abort();
    await running;
  });

  it('leaves what was cut off to the next run, which settles it beside mining', async () => {
    network = await startMiningNetwork();
    proxy = await TcpProxy.start(network.devnet.rpcUrl);
    const first = await network.miner({ network: proxy.url, drainMs: 100, untilIdle: false, maxInFlight: 1 });
    const stop = new AbortController();
    first.miner.events.once('submitted', () => {
      proxy?.cut();
      stop.abort();
    });
    await first.miner.run({ signal: stop.signal });
    const left = [...first.journal.submissions.unsettled()].map(({ digest }) => digest);
    expect(left.length).toBeGreaterThan(0);
    await first.close();

    const second = await network.miner({ untilIdle: false });
    const open = (): string[] => [...second.journal.submissions.unsettled()].map(({ digest }) => digest);
    const again = new AbortController();
    const running = second.miner.run({ signal: again.signal });
    await until(() => second.miner.summary().accepted > 0, 'the next run to mine');
    await until(() => !open().some((digest) => left.includes(digest)), 'what was left to be settled');
    again.abort();
    await running;
  });
});

describe('a model that cannot be fetched', () => {
  it('is named with how many targets wait for it', async () => {
    network = await startMiningNetwork({ modelsAt: 'http://127.0.0.1:9' });
    const { miner } = await network.miner({ untilIdle: false, dryRun: true });
    const warnings: string[] = [];
    miner.events.on('warning', ({ error }) => warnings.push(error.message));
    const stop = new AbortController();
    const running = miner.run({ signal: stop.signal });
    await until(() => /\d+ of 20 targets wait for model 0x/.test(warnings.join()), 'the warning');
    expect(miner.summary()).toMatchObject({ openTargets: 20, waitingTargets: 20 });
    expect(statusParts(miner.summary())).toContain('targets 20 (20 wait for models)');
    stop.abort();
    // The end lets models go; nothing waits for them.
    expect((await running).waitingTargets).toBe(0);
  });
});
