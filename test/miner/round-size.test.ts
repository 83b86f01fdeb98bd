import { expect, it } from 'vitest';
import { RoundSize } from '../../src/miner/score/round-size.js';

it.each([
  { msPerSample: 0, sizes: [4, 8, 16, 20, 20] },
  { msPerSample: 200, sizes: [4, 8, 16, 20, 20] },
  { msPerSample: 400, sizes: [4, 8, 12, 12, 12] },
  { msPerSample: 10_000, sizes: [4, 4, 4, 4, 4] },
])(
  'rounds of samples that take $msPerSample ms end within five seconds, if four of them do',
  ({ msPerSample, sizes }) => {
    const size = new RoundSize(20);
    const rounds = sizes.map(() => {
      const { next } = size;
      size.took(next, next * msPerSample);
      return next;
    });
    expect(rounds).toEqual(sizes);
  },
);

it('follows samples that become slower, and grows again by no more than twice', () => {
  const size = new RoundSize(256);
  const after = (samples: number, ms: number): number => {
    size.took(samples, ms);
    return size.next;
  };
  expect([after(100, 100), after(100, 50_000), after(10, 10), after(20, 20)]).toEqual([200, 10, 20, 40]);
});

it('takes no more than are allowed', () => {
  expect(new RoundSize(2).next).toBe(2);
});
