import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ClaimPace, type ClaimPaceOptions } from '../../src/miner/submit/claim-pace.js';

const never = new AbortController().signal;
/** Longer than any test. */
const LONG_MS = 2 ** 31 - 1;

/** A pace, a clock to move, and how many of the claims that wait have gone. */
function made(options: ClaimPaceOptions = {}) {
  const clock = { ms: 0 };
  const pace = new ClaimPace({ patienceMs: LONG_MS, quietMs: LONG_MS, ...options }, () => clock.ms);
  const gone = { count: 0 };
  const claims = (count: number, signal = never): void => {
    for (let n = 0; n < count; n++) void pace.turn(signal).then(() => gone.count++);
  };
  /** How many have gone once everything that is ready has run. */
  const settled = (): Promise<number> => new Promise((resolve) => setImmediate(() => resolve(gone.count)));
  /** Submissions that never stop: one is queued as another ends, for so long. */
  const stream = (pending: number, forMs: number): void => {
    for (let n = 0; n < pending; n++) pace.queued();
    for (const end = clock.ms + forMs; clock.ms < end; clock.ms += 100) {
      pace.queued();
      pace.ended();
    }
  };
  return { pace, clock, claims, settled, stream };
}

describe('a claim', () => {
  it('goes at once before anything was submitted, and waits while a submission is pending', async () => {
    const { pace, claims, settled } = made();
    claims(3);
    expect(await settled()).toBe(3);
    pace.queued();
    claims(1);
    expect(await settled()).toBe(3);
    pace.ended();
    expect(await settled()).toBe(4);
  });

  it('goes at will once nothing was pending for a while, and not in the gaps between submissions', async () => {
    const { pace, claims, settled } = made();
    pace.queued();
    pace.ended();
    claims(5);
    expect(await settled()).toBe(1);
    const soon = made({ quietMs: 5 });
    soon.pace.queued();
    soon.claims(5);
    soon.pace.ended();
    await expect.poll(soon.settled).toBe(5);
  });

  it('does not starve when submissions never stop: two of them let three go', async () => {
    const { pace, claims, settled, stream } = made();
    stream(3, 20_000);
    claims(16);
    // What earlier submissions left for them, and no more.
    expect(await settled()).toBe(16);
    claims(40);
    for (let n = 2; n <= 20; n += 2) {
      for (const _ of [1, 2]) {
        pace.queued();
        pace.ended();
      }
      expect(await settled()).toBe(16 + 1.5 * n);
    }
  });

  it('waits while a burst is answered that a stream of submissions meets', async () => {
    const { pace, claims, settled, stream, clock } = made();
    stream(3, 20_000);
    for (let n = 0; n < 100; n++) pace.queued();
    claims(8);
    for (let n = 0; n < 80; n++) {
      clock.ms += 5;
      pace.ended();
    }
    const beside = await settled();
    for (let n = 0; n < 20; n++) pace.ended();
    expect([beside, await settled()]).toEqual([0, 8]);
  });

  it('goes after a while although nothing that is pending comes to its end', async () => {
    const { pace } = made({ patienceMs: 5 });
    pace.queued();
    await pace.turn(never);
  });

  it('that is aborted waits no longer, and leaves nothing behind', async () => {
    const { pace, claims, settled } = made();
    pace.queued();
    const stop = new AbortController();
    claims(2, stop.signal);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(2);
    stop.abort();
    expect(await settled()).toBe(2);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    await pace.turn(stop.signal);
  });
});
