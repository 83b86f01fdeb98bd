import { describe, expect, it } from 'vitest';
import { RoundsInFlight } from '../../src/miner/score/rounds-in-flight.js';

const never = new AbortController().signal;

/** Rounds whose ends the test decides. */
function rounds() {
  const inFlight = new RoundsInFlight();
  const ends = new Map<number, { succeed(): void; fail(error: Error): void; signal: AbortSignal }>();
  return {
    inFlight,
    start(...ids: number[]): void {
      const score = (signal: AbortSignal): Promise<void> =>
        new Promise((succeed, fail) => {
          ends.set(ids[0]!, { succeed, fail, signal });
          signal.addEventListener('abort', () => fail(new Error('stopped')));
        });
      inFlight.start({ ids, fresh: ids.length - 1 }, score, never);
    },
    end: (first: number) => ends.get(first)!,
  };
}

describe('rounds in flight', () => {
  it('are taken as they end, in any order, all that have ended at once', async () => {
    const { inFlight, start, end } = rounds();
    start(1, 2);
    start(3, 4);
    start(5, 6);
    end(3).succeed();
    expect(await inFlight.take()).toEqual({ ids: [3, 4], fresh: 1 });
    expect(inFlight.samples).toBe(4);
    end(5).succeed();
    end(1).succeed();
    await new Promise(setImmediate);
    expect(await inFlight.take()).toEqual({ ids: [5, 6, 1, 2], fresh: 2 });
    expect(inFlight.samples).toBe(0);
  });

  it('that fail take nothing with them', async () => {
    const { inFlight, start, end } = rounds();
    for (const id of [1, 2, 3, 4]) start(id);
    end(1).succeed();
    end(2).fail(new Error('broken'));
    end(3).succeed();
    await new Promise(setImmediate);
    expect(await inFlight.take()).toMatchObject({ ids: [1] });
    expect(inFlight.has(2)).toBe(true);
    await expect(inFlight.take()).rejects.toThrow('broken');
    expect(inFlight.has(2)).toBe(false);
    expect(await inFlight.take()).toMatchObject({ ids: [3] });
    expect(inFlight.haveEnded).toBe(false);
    expect(inFlight.has(4)).toBe(true);
  });

  it('that are abandoned are no longer in flight; what was scored can still be taken', async () => {
    const { inFlight, start, end } = rounds();
    start(1);
    start(2);
    end(1).succeed();
    await new Promise(setImmediate);
    await inFlight.abandon();
    expect(end(2).signal.aborted).toBe(true);
    expect(inFlight.samples).toBe(1);
    expect(await inFlight.take()).toMatchObject({ ids: [1] });
    start(2);
    expect(end(2).signal.aborted).toBe(false);
    end(2).succeed();
    expect(await inFlight.take()).toMatchObject({ ids: [2] });
  });
});
