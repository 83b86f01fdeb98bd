import { expect, it } from 'vitest';
import { run } from '../../bench/load.js';
import { LOAD_CASES, type LoadResult } from '../../bench/load-cases.js';

it.for(LOAD_CASES)(
  'tells how late and how large a process is under load: %s',
  { timeout: 240_000 },
  async (name, { signal }) => {
    const results: LoadResult[] = [];
    for await (const result of run({ quick: true, cases: [name], signal })) results.push(result);
    expect(results.length).toBeGreaterThan(0);
    for (const { bench, p50Ms, lastMs, peakMiB } of results) {
      expect(bench).toBe('load');
      expect(lastMs).toBeGreaterThan(0);
      expect(p50Ms ?? 0).toBeLessThanOrEqual(lastMs);
      expect(peakMiB).toBeGreaterThan(10);
    }
  },
);
