import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Silence } from '../../../src/soma/client/watch/silence.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('waits for multiples of the interval it has seen, within bounds', async () => {
  let now = 0;
  const silence = new Silence(
    () => now,
    () => {},
  );
  expect(silence.limitMs).toBe(15_000);
  for (let i = 0; i < 200; i++) {
    now += 400;
    await silence.bound(Promise.resolve(i));
  }
  expect(silence.limitMs).toBeCloseTo(20_000, -2);
  for (let i = 0; i < 200; i++) {
    now += 5_000;
    await silence.bound(Promise.resolve(i));
  }
  expect(silence.limitMs).toBe(60_000);
});

it('gives up a stream that stays open and says nothing', async () => {
  const onSilent = vi.fn();
  const silence = new Silence(() => 0, onSilent);
  const waiting = silence.bound(new Promise(() => {}));
  const failed = expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  await vi.advanceTimersByTimeAsync(14_999);
  expect(onSilent).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await failed;
  expect(onSilent).toHaveBeenCalledOnce();
});
