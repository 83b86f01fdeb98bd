import { beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddingRows, TargetMatrix } from '../../src/engine/contract.js';
import { rowAsF32 } from '../../src/engine/embedding-rows.js';
import {
  createGpuDistanceEngine,
  distanceSlack,
  type GpuDistanceEngine,
  type GpuMode,
} from '../../src/engine/gpu/index.js';
import { cosineDistance } from '../../src/engine/reference/competition.js';
import { createReferenceDistanceEngine } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { normalArray } from '../../src/random/arrgen.js';
import { useSoftwareVulkan } from './software-vulkan.js';

const DIM = 20;
const oracle = createReferenceDistanceEngine();

function rowsOf(count: number): EmbeddingRows {
  const data = normalArray(1n, count * DIM);
  // One without direction and one too long for a kernel to scale.
  if (count > 4) {
    data.fill(0, 2 * DIM, 3 * DIM);
    for (let i = 4 * DIM; i < 5 * DIM; i++) data[i]! *= 1e20;
  }
  return { data, rows: count, dim: DIM };
}

/** Thresholds that almost every row is within, some are, one or two are, and none. */
const THRESHOLDS = [1.9, 0.8, 0.45, 0.01];

function targetsOf(count: number): TargetMatrix {
  const data = normalArray(2n, count * DIM);
  if (count > 5) for (let i = 5 * DIM; i < 6 * DIM; i++) data[i]! *= 1e20;
  const thresholds = Float32Array.from({ length: count }, (_, t) => THRESHOLDS[t % THRESHOLDS.length]!);
  return { data, thresholds, targets: count, dim: DIM };
}

beforeAll(useSoftwareVulkan);

describe.each(['webgpu', 'webasm', 'cpu'] satisfies GpuMode[])('tiles of rows and targets, %s', (mode) => {
  /** An engine whose blocks hold so many rows; `undefined` where the mode does not run. */
  const open = async (rows: number): Promise<GpuDistanceEngine | undefined> => {
    try {
      // A block's result for 256 targets has room for as many rows.
      return await createGpuDistanceEngine({ mode, maxBufferBytes: rows * 256 * 4 });
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return undefined;
      throw error;
    }
  };

  test('any number of rows and targets is scanned as the reference does it, within and across blocks', async (context) => {
    const engine = await open(96);
    if (engine === undefined) return context.skip('no adapter');
    try {
      for (const [count, targets] of [
        ...[1, 2, 3, 4, 5, 8, 9].map((rows) => [rows, 7] as const),
        ...[1, 2, 3, 5, 6, 7, 12, 13].map((each) => [101, each] as const),
        [200, 300],
      ] as const) {
        const rows = rowsOf(count);
        const wanted = targetsOf(targets);
        for (const options of [
          { mode: 'all' },
          { mode: 'first', margin: 0.01 },
          { mode: 'closest', limit: 3 },
        ] as const) {
          const expected = await oracle.scan(rows, wanted, options);
          expect([count, targets, await engine.scan(rows, wanted, options)]).toEqual([count, targets, expected]);
        }
      }
    } finally {
      await engine.close();
    }
  });

  test('of rows that stay on the device all near ones are found, and distances where there are many', async (context) => {
    const engine = await open(400);
    if (engine === undefined) return context.skip('no adapter');
    try {
      const rows = rowsOf(301);
      const targets = targetsOf(20);
      const resident = await engine.prepareRows(rows);
      const limits = Array.from(targets.thresholds);
      limits[8] = Number.NEGATIVE_INFINITY;
      limits[9] = Number.NaN;
      const found = await engine.candidates(resident, targets, limits);
      resident.close();
      const kinds = new Set<string>();
      for (const [t, list] of found.entries()) {
        const vector = targets.data.subarray(t * DIM, (t + 1) * DIM);
        const distance = (row: number) => cosineDistance(rowAsF32(rows, row, new Float32Array(DIM)), vector);
        const places = list.map(({ row }) => row);
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        for (let row = 0; row < rows.rows; row++)
          if (distance(row) <= limits[t]!) expect([t, row, places.includes(row)]).toEqual([t, row, true]);
        // Rows that no kernel can judge may be among them; the others are near.
        const judged = list.filter(({ row }) => row !== 2 && row !== 4);
        const strangers = judged.filter(({ row }) => !(distance(row) <= limits[t]! + 2 * distanceSlack(DIM)));
        if (t === 5) expect(places).toHaveLength(rows.rows);
        else expect(strangers.map(({ row }) => row)).toEqual([]);
        for (const each of judged.filter((candidate) => Number.isFinite(candidate.distance)))
          expect(Math.abs(each.distance - distance(each.row))).toBeLessThan(distanceSlack(DIM));
        if (t !== 5) kinds.add(list.some((each) => Number.isFinite(each.distance)) ? 'many' : 'few');
      }
      expect([...kinds].sort()).toEqual(['few', 'many']);
      expect(found[8]).toEqual([]);
      expect(found[9]).toEqual([]);
    } finally {
      await engine.close();
    }
  });
});
