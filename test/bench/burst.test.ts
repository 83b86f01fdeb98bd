import { expect, it } from 'vitest';
import { run } from '../../bench/burst.js';

it('times every target of a burst, from its checkpoint to the wire', async () => {
  const results = [];
  for await (const result of run({ rows: [300], targets: [3], sustained: false })) results.push(result);
  expect(results).toEqual([
    {
      bench: 'burst',
      case: '3 targets in one checkpoint, 300 rows',
      rows: 300,
      targets: 3,
      p50Ms: expect.any(Number),
      lastMs: expect.any(Number),
      mainThreadMsPerSubmission: expect.any(Number),
    },
  ]);
  const [{ p50Ms, lastMs, mainThreadMsPerSubmission }] = results as unknown as [Record<string, number>];
  expect(p50Ms).toBeGreaterThan(0);
  expect(lastMs).toBeGreaterThanOrEqual(p50Ms!);
  expect(mainThreadMsPerSubmission).toBeGreaterThan(0);
}, 60_000);
