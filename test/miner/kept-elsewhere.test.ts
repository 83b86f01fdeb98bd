import { describe, expect, it } from 'vitest';
import { keptElsewhere } from '../../src/miner/feed/kept-elsewhere.js';
import type { Sample } from '../../src/sources/index.js';

async function* source(units: readonly number[]): AsyncGenerator<Sample> {
  for (const [i, unit] of units.entries()) yield { bytes: Uint8Array.of(i), origin: `part ${i}`, unit };
}

describe('samples that are kept elsewhere', () => {
  it('are given on where they are too large, and a unit is done once all before it are kept', async () => {
    const units: number[] = [];
    const kept: number[] = [];
    const keeping: (() => void)[] = [];
    const keep = (sample: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => {
        keeping.push(() => {
          kept.push(sample[0]!);
          resolve(sample[0] !== 2);
        });
      });
    const samples = keptElsewhere(
      source([0, 0, 1, 2, 2]),
      keep,
      (unit) => units.push(unit),
      new AbortController().signal,
    );
    const first = samples.next();
    await expect.poll(() => keeping.length).toBe(5);
    // The last come first: nothing before them is done yet.
    for (const done of keeping.slice(2).reverse()) done();
    expect(units).toEqual([]);
    for (const done of keeping.slice(0, 2)) done();
    expect((await first).value).toMatchObject({ origin: 'part 2' });
    expect((await samples.next()).done).toBe(true);
    expect(kept).toEqual([4, 3, 2, 0, 1]);
    expect(units).toEqual([1, 2]);
  });

  it('end with what keeping them fails with', async () => {
    const keep = async (): Promise<boolean> => {
      throw new Error('stopped');
    };
    const samples = keptElsewhere(source([0]), keep, () => {}, new AbortController().signal);
    await expect(samples.next()).rejects.toThrow('stopped');
  });
});
