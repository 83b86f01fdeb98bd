import { describe, expect, test } from 'vitest';
import { createNativePool } from '../../src/store/compose/native-pool.js';
import type { ComposePool, PoolGoals } from '../../src/store/compose/pool.js';
import { ReferencePool } from '../../src/store/compose/reference-pool.js';
import { LEVELS } from '../native/levels.js';
import { randomizer, randomVector } from './fixtures.js';

const random = randomizer(3);
/** Rows that share a direction, as embeddings do. */
function rowsOf(count: number, dim: number): Float32Array {
  const common = randomVector(random, dim);
  const rows = new Float32Array(count * dim);
  for (let row = 0; row < count; row++) {
    rows.set(
      randomVector(random, dim).map((value, i) => value + common[i]!),
      row * dim,
    );
  }
  return rows;
}

const chooseAll = (count: number): Int32Array => new Int32Array(count).fill(-1);

function goalsOf(targets: number, dim: number, wishes: Partial<PoolGoals> = {}): PoolGoals {
  const data = Float32Array.from({ length: targets * dim }, () => random());
  return { targets: data, cosines: new Float64Array(targets).fill(2), leads: [], maxParts: 16, ...wishes };
}

/** The cosine that slots come to, from the rows themselves. */
function cosineOf(slots: readonly number[], rows: Float32Array, target: Float32Array): number {
  const dim = target.length;
  const sum = new Float64Array(dim);
  for (const slot of slots) for (let k = 0; k < dim; k++) sum[k] = sum[k]! + rows[slot * dim + k]!;
  let [along, square] = [0, 0];
  for (const [k, value] of sum.entries()) {
    along += value * target[k]!;
    square += value * value;
  }
  return along / Math.sqrt(square) / Math.hypot(...target);
}

describe.each(LEVELS)('the native pool at level %s', (isa) => {
  test.each([
    [7, 40, 1],
    [32, 300, 1],
    [257, 333, 2],
    [256, 700, 50],
  ])('comes as close as the reference: width %i, %i rows, %i targets', async (dim, count, targets) => {
    const rows = rowsOf(count, dim);
    const pools: ComposePool[] = [new ReferencePool(dim, count), createNativePool(dim, count, isa)];
    for (const pool of pools) expect([...(await pool.put(chooseAll(count), rows))]).toEqual([...Array(count).keys()]);
    const leads = [0, 1].map(() => Float32Array.from({ length: count }, () => random() + 0.3));
    for (const wishes of [
      {},
      { leads },
      { maxParts: 3, fewest: true },
      { cosines: new Float64Array(targets).fill(0.3) },
    ]) {
      const goals = goalsOf(targets, dim, wishes);
      const [want, got] = await Promise.all(pools.map((pool) => pool.search(goals)));
      let different = 0;
      for (const [i, { slots, cosine }] of got!.entries()) {
        const target = goals.targets.subarray(i * dim, (i + 1) * dim);
        if (slots.length === 0) expect(want![i]!.slots).toEqual([]);
        else expect(cosine).toBeCloseTo(cosineOf(slots, rows, target), 5);
        expect(slots.length).toBeLessThanOrEqual(goals.maxParts);
        for (const lead of goals.leads)
          expect(slots.reduce((sum, slot) => sum + lead[slot]!, 0)).toBeGreaterThan(-1e-5);
        if (Math.abs(cosine - want![i]!.cosine) > 1e-4) different++;
        expect(cosine).toBeGreaterThan(want![i]!.cosine - 0.02);
      }
      // Rounding may lead one search elsewhere, to a result about as good.
      expect(different).toBeLessThanOrEqual(Math.ceil(targets / 10));
    }
  });

  test('keeps the rows that the reference keeps once it is full', async () => {
    const [dim, capacity] = [24, 40];
    const pools = [new ReferencePool(dim, capacity), createNativePool(dim, capacity, isa)];
    for (let n = 0; n < 12; n++) {
      const rows = rowsOf(25, dim);
      const [want, got] = await Promise.all(pools.map((pool) => pool.put(chooseAll(25), rows)));
      expect([...got!]).toEqual([...want!]);
    }
    const goals = goalsOf(20, dim);
    const [want, got] = await Promise.all(pools.map((pool) => pool.search(goals)));
    expect(got!.map(({ cosine }) => cosine.toFixed(3))).toEqual(want!.map(({ cosine }) => cosine.toFixed(3)));
  });

  test('replaces rows, empties slots and fills them again', async () => {
    const pools = [new ReferencePool(2, 4), createNativePool(2, 4, isa)];
    const goals = goalsOf(1, 2, { targets: Float32Array.of(0, 1), maxParts: 1 });
    for (const pool of pools) {
      await pool.put(chooseAll(2), Float32Array.of(1, 0, 1, 1));
      await pool.put(Int32Array.of(0), Float32Array.of(0, 3));
      expect((await pool.search(goals))[0]).toEqual({ slots: [0], cosine: 1 });
      await pool.put(Int32Array.of(0), new Float32Array(2));
      expect((await pool.search(goals))[0]!.slots).toEqual([1]);
      expect([...(await pool.put(chooseAll(3), Float32Array.of(Number.NaN, 0, 0, 5, 2, 0)))]).toEqual([-1, 0, 2]);
      expect((await pool.search(goals))[0]!.slots).toEqual([0]);
      // Leads of a pool that was smaller then: rows behind them are left out.
      const leads = [Float32Array.of(-1)];
      expect((await pool.search({ ...goals, leads }))[0]).toEqual({ slots: [], cosine: -2 });
    }
  });

  test('takes a row into a slot far behind the last, and the next ones into the gap', async () => {
    const [dim, capacity] = [8, 4096];
    const pools = [new ReferencePool(dim, capacity), createNativePool(dim, capacity, isa)];
    const rows = rowsOf(5, dim);
    for (const slots of [Int32Array.of(4000), Int32Array.of(4, -1, 4095, -1, 300)]) {
      const [want, got] = await Promise.all(pools.map((pool) => pool.put(slots, rows.subarray(0, slots.length * dim))));
      expect([...got!]).toEqual([...want!]);
    }
    const goals = goalsOf(4, dim, { maxParts: 2 });
    const [want, got] = await Promise.all(pools.map((pool) => pool.search(goals)));
    expect(got!.map(({ cosine }) => cosine.toFixed(5))).toEqual(want!.map(({ cosine }) => cosine.toFixed(5)));
  });

  test('makes no call into a closed pool, and finishes earlier ones', async () => {
    const pool = createNativePool(4, 8, isa);
    const put = pool.put(chooseAll(2), rowsOf(2, 4));
    pool.close();
    pool.close();
    expect([...(await put)]).toEqual([0, 1]);
    await expect(async () => pool.put(chooseAll(1), rowsOf(1, 4))).rejects.toThrow(/closed/);
    await expect(async () => pool.search(goalsOf(1, 4))).rejects.toThrow(/closed/);
  });
});

test('an argument missing from a call into the core is a typed error', async () => {
  const pool = createNativePool(4, 8);
  await expect(async () => pool.put(Int32Array.of(8), new Float32Array(4))).rejects.toThrow(/out of range/);
  await expect(async () => pool.put(Int32Array.of(0), new Float32Array(3))).rejects.toThrow(/\[slots, dim\]/);
  await expect(async () => pool.search(goalsOf(1, 3))).rejects.toThrow(/fit together/);
});
