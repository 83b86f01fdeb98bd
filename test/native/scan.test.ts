import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../../src/engine/contract.js';
import { rowAsF32, toBf16 } from '../../src/engine/embedding-rows.js';
import { createNativeDistanceEngine, type NativeDistanceEngine } from '../../src/engine/native/distance.js';
import { cosineDistance, normalArray } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { ISA_LEVELS, type IsaLevel } from '../../src/native/isa-level.js';

/** Distances of every row to every target, `[targets][rows]`, by their definition. */
function distancesOf(rows: EmbeddingRows, targets: TargetMatrix): Float32Array[] {
  const { dim } = rows;
  const vectors = Array.from({ length: rows.rows }, (_, r) => rowAsF32(rows, r, new Float32Array(dim)));
  return Array.from({ length: targets.targets }, (_, t) => {
    const target = targets.data.subarray(t * dim, (t + 1) * dim);
    return Float32Array.from(vectors, (row) => cosineDistance(row, target));
  });
}

/** What the contract asks for, from known distances; `skip` leaves rows out. */
function expected(
  distances: readonly Float32Array[],
  threshold: number,
  options: ScanOptions & { readonly from?: number },
  skip: (row: number) => boolean = () => false,
): Hit[] {
  return distances.flatMap((column, target) => {
    const limit = Math.fround(threshold) - (options.margin ?? 0);
    let found: Hit[] = [];
    for (let row = options.from ?? 0; row < column.length; row++) {
      if (column[row]! <= limit && !skip(row)) found.push({ row, target, distance: column[row]! });
    }
    if (options.mode === 'first') found = found.slice(0, 1);
    if (options.mode === 'closest') {
      found = found.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, options.limit ?? 1);
    }
    return found;
  });
}

function rowsOf(data: Float32Array | Uint16Array, dim: number): EmbeddingRows {
  return { data, rows: data.length / dim, dim };
}

function targetsOf(data: Float32Array, dim: number, threshold: number): TargetMatrix {
  const targets = data.length / dim;
  return { data, thresholds: new Float32Array(targets).fill(threshold), targets, dim };
}

/** Width, rows, threshold. */
const CASES = [
  [1, 50, 0.5],
  [15, 700, 0.6],
  [16, 700, 0.6],
  [17, 700, 0.6],
  [255, 300, 0.9],
  [2048, 150, 0.97],
] as const;

interface Case {
  readonly rows: EmbeddingRows;
  readonly targets: TargetMatrix;
  readonly distances: readonly Float32Array[];
}
const cases = new Map<number, Case[]>();

/** Rows of one width in both formats, with ties and rows no distance is defined for; made once for all levels. */
function casesOf(dim: number, count: number, threshold: number): Case[] {
  const known = cases.get(dim);
  if (known !== undefined) return known;
  const f32 = normalArray(BigInt(dim), count * dim);
  f32.copyWithin(7 * dim, 3 * dim, 4 * dim);
  f32.fill(0, 11 * dim, 12 * dim);
  f32[13 * dim] = Number.NaN;
  f32[17 * dim] = Number.NEGATIVE_INFINITY;
  for (let i = 19 * dim; i < 20 * dim; i++) f32[i]! *= 1e18;
  for (let i = 23 * dim; i < 24 * dim; i++) f32[i]! *= 1e-17;
  const targets = targetsOf(normalArray(1000n + BigInt(dim), 100 * dim), dim, threshold);
  const made = [rowsOf(f32, dim), rowsOf(toBf16(f32), dim)].map((rows) => ({
    rows,
    targets,
    distances: distancesOf(rows, targets),
  }));
  cases.set(dim, made);
  return made;
}

const dir = mkdtempSync(join(tmpdir(), 'quarry-scan-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const bytesOf = (data: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe.each(ISA_LEVELS)('native distance at %s', (isa: IsaLevel) => {
  let engine: NativeDistanceEngine | undefined;
  let reason = '';
  beforeAll(() => {
    try {
      engine = createNativeDistanceEngine({ isa, threads: 2 });
    } catch (error) {
      if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      reason = error.message;
    }
  });
  const check = (name: string, work: (engine: NativeDistanceEngine) => Promise<void>) =>
    test(name, async (context) => {
      if (engine === undefined) context.skip(reason);
      else await work(engine);
    });

  for (const [dim, count, threshold] of CASES) {
    check(`width ${dim}: any number of targets, both formats, every mode`, async (it) => {
      for (const { rows, targets, distances } of casesOf(dim, count, threshold)) {
        for (const targetCount of [1, 2, 3, 17, 49, 100]) {
          const some = targetsOf(targets.data.subarray(0, targetCount * dim), dim, threshold);
          for (const options of [
            { mode: 'all' },
            { mode: 'all', margin: 0.013 },
            { mode: 'first' },
            { mode: 'closest' },
            { mode: 'closest', limit: 7 },
          ] satisfies ScanOptions[]) {
            const want = expected(distances.slice(0, targetCount), threshold, options);
            expect(await it.scan(rows, some, options)).toEqual(want);
          }
        }
      }
    });
  }

  check('thresholds equal to a distance hit, those just below do not', async (it) => {
    for (const dim of [16, 33, 2048]) {
      const rows = rowsOf(normalArray(3n, 20 * dim), dim);
      for (const targetCount of [1, 40]) {
        const targets = targetsOf(normalArray(4n, targetCount * dim), dim, 0);
        const distances = Array.from({ length: targetCount }, (_, t) =>
          cosineDistance(rows.data.subarray(0, dim) as Float32Array, targets.data.subarray(t * dim, (t + 1) * dim)),
        );
        targets.thresholds.set(distances);
        const at = await it.scan(rows, targets, { mode: 'all' });
        expect(at.filter(({ row }) => row === 0)).toHaveLength(targetCount);
        const bits = new Int32Array(targets.thresholds.buffer);
        for (let t = 0; t < targetCount; t++) bits[t]! -= 1;
        const below = await it.scan(rows, targets, { mode: 'all' });
        expect(below.filter(({ row }) => row === 0)).toEqual([]);
      }
    }
  });

  check('long scans on several threads find the first hit and stop when told to', async (it) => {
    const dim = 16;
    const rows = rowsOf(toBf16(normalArray(5n, 200_000 * dim)), dim);
    const targets = targetsOf(normalArray(6n, 40 * dim), dim, 0.17);
    const every = await it.scan(rows, targets, { mode: 'all' });
    const first = await it.scan(rows, targets, { mode: 'first' });
    const byTarget = new Map(every.toReversed().map((hit) => [hit.target, hit]));
    expect(first).toEqual([...byTarget.values()].sort((a, b) => a.target - b.target));
    expect(first.length).toBeGreaterThan(20);
    const one = targetsOf(targets.data.subarray(0, dim), dim, 0.17);
    expect(await it.scan(rows, one, { mode: 'first' })).toEqual(first.filter(({ target }) => target === 0));
    const stop = new AbortController();
    // Long enough that it cannot have ended when it is told to stop, however busy the machine.
    const many = targetsOf(normalArray(7n, 20_000 * dim), dim, -1);
    const aborted = it.scan(rows, many, { mode: 'all', signal: stop.signal });
    stop.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
  });

  check('mapped selections are decided by their f32 rows and skip what is retired', async (it) => {
    for (const dim of [16, 129]) {
      const count = 700;
      const sources = [0, 1].map((n) => {
        const data = normalArray(BigInt(7 + n), count * dim);
        const f32Path = join(dir, `${isa}-${dim}-${n}.f32`);
        const bf16Path = join(dir, `${isa}-${dim}-${n}.bf16`);
        writeFileSync(f32Path, bytesOf(data));
        writeFileSync(bf16Path, bytesOf(toBf16(data)));
        return { data, f32Path, bf16Path, rows: count };
      });
      const total = 2000;
      const picked = Uint32Array.from({ length: total }, (_, p) => (p * 7919) % count);
      const tables = Uint8Array.from({ length: total }, (_, p) => (p % 11 === 0 ? 255 : p % 2));
      const data = new Float32Array(total * dim);
      for (let p = 0; p < total; p++) {
        data.set(sources[p % 2]!.data.subarray(picked[p]! * dim, (picked[p]! + 1) * dim), p * dim);
      }
      const selection = { sources, tables, rows: picked, count: total, dim };
      for (const targetCount of [1, 2, 50]) {
        const targets = targetsOf(normalArray(9n, targetCount * dim), dim, dim === 16 ? 0.5 : 0.85);
        for (const options of [
          { mode: 'all' },
          { mode: 'first', from: 334 },
          { mode: 'closest', limit: 3, margin: 0.01 },
        ] satisfies (ScanOptions & { from?: number })[]) {
          const distances = distancesOf(rowsOf(data, dim), targets);
          const want = expected(distances, targets.thresholds[0]!, options, (p) => p % 11 === 0);
          expect(want.length).toBeGreaterThan(0);
          expect(await it.scanMapped(selection, targets, options)).toEqual(want);
        }
      }
      it.release(sources.map((source) => source.f32Path));
      truncateSync(sources[0]!.f32Path, 100);
      const targets = targetsOf(normalArray(9n, dim), dim, 0.5);
      await expect(it.scanMapped(selection, targets, { mode: 'all' })).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
      });
    }
  });
});
