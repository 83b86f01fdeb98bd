import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import type { MinerEvents } from '../../src/miner/run/events.js';
import { NodeWatch } from '../../src/miner/run/node-watch.js';

const reset = new QuarryError('UNREACHABLE', 'connection reset');

function watched() {
  const emitter = new EventEmitter<MinerEvents>();
  const told: string[] = [];
  emitter.on('fullnode', (e) => told.push(e.state === 'lost' ? `lost: ${e.reason.message}` : `back: ${e.lostMs}`));
  const clock = { now: 0 };
  return { emitter, told, clock, watch: new NodeWatch(emitter, () => clock.now) };
}

describe('a fullnode', () => {
  it('is lost when its stream broke and nothing comes, and back with the next checkpoint', () => {
    const { told, clock, watch } = watched();
    watch.listeners.onCheckpoint(7n);
    clock.now = 1_000;
    watch.listeners.onReconnect(reset);
    expect(told).toEqual([]);
    clock.now = 6_000;
    watch.listeners.onReconnect(reset);
    expect(told).toEqual(['lost: connection reset']);
    expect(watch.contact).toMatchObject({ connected: false, checkpoint: 7n, lostMs: 6_000 });
    clock.now = 9_000;
    watch.listeners.onCheckpoint(8n);
    expect(told).toEqual(['lost: connection reset', 'back: 9000']);
    expect(watch.contact.lostMs).toBeUndefined();
  });

  it('that accepts every stream and sends nothing is lost all the same', () => {
    const { told, clock, watch } = watched();
    for (let n = 0; n < 6; n++) {
      clock.now += 2_000;
      watch.listeners.onReconnect(new QuarryError('TIMEOUT', 'no checkpoint for 10 s'));
      watch.listeners.onConnected();
    }
    expect(told).toEqual(['lost: no checkpoint for 10 s']);
  });

  it('that breaks off and comes back at once is never lost', () => {
    const { told, clock, watch } = watched();
    for (let n = 0n; n < 50n; n++) {
      clock.now += 3_000;
      watch.listeners.onReconnect(reset);
      watch.listeners.onCheckpoint(n);
    }
    expect(told).toEqual([]);
  });

  it('is reported lost by the watch when nothing else happens', async () => {
    const { emitter, clock, watch } = watched();
    const stop = new AbortController();
    const lost = once(emitter, 'fullnode');
    const watching = watch.watch(stop.signal);
    watch.broken(reset);
    clock.now = 5_000;
    expect(await lost).toMatchObject([{ state: 'lost' }]);
    stop.abort();
    await expect(watching).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
