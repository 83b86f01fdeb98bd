import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DistanceEngine, EmbeddingRows, Hit, ScanOptions, TargetMatrix } from '../../src/engine/contract.js';
import { rowAsF32, toBf16 } from '../../src/engine/embedding-rows.js';
import { createGpuDistanceEngine, distanceSlack, type GpuMode } from '../../src/engine/gpu/index.js';
import { createJsDistanceEngine } from '../../src/engine/js/index.js';
import { createNativeDistanceEngine } from '../../src/engine/native/distance.js';
import { cosineDistance, createReferenceDistanceEngine, normalArray } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { ISA_LEVELS } from '../../src/native/isa-level.js';
import { ConformanceTable } from './conformance-table.js';
import { useSoftwareVulkan } from './software-vulkan.js';

useSoftwareVulkan();

/** Every distance engine; one that does not run here is reported as skipped with its reason. */
const ENGINES: Record<string, () => Promise<DistanceEngine>> = {
  reference: async () => createReferenceDistanceEngine(),
  js: async () => createJsDistanceEngine(),
  ...Object.fromEntries(ISA_LEVELS.map((isa) => [`native ${isa}`, async () => createNativeDistanceEngine({ isa })])),
  ...Object.fromEntries(
    (['webgpu', 'webasm', 'cpu'] satisfies GpuMode[]).map((mode) => [
      // Blocks of 64 KiB, so that small matrices take several.
      `gpu.js ${mode}`,
      () => createGpuDistanceEngine({ mode, maxBufferBytes: 64 * 1024 }),
    ]),
  ),
};

function matrix(seed: bigint, count: number, dim: number): Float32Array {
  return normalArray(seed, count * dim);
}

function rowsOf(data: Float32Array | Uint16Array, dim: number): EmbeddingRows {
  return { data, rows: data.length / dim, dim };
}

function targetsOf(data: Float32Array, dim: number, threshold: number | readonly number[]): TargetMatrix {
  const targets = data.length / dim;
  const thresholds =
    typeof threshold === 'number' ? new Float32Array(targets).fill(threshold) : Float32Array.from(threshold);
  return { data, thresholds, targets, dim };
}

/** What the contract asks for, by the definition of the distance. */
function expected(rows: EmbeddingRows, targets: TargetMatrix, options: ScanOptions): Hit[] {
  const hits: Hit[] = [];
  for (let target = 0; target < targets.targets; target++) {
    const vector = targets.data.subarray(target * targets.dim, (target + 1) * targets.dim);
    let found: Hit[] = [];
    for (let row = 0; row < rows.rows; row++) {
      const distance = cosineDistance(rowAsF32(rows, row, new Float32Array(rows.dim)), vector);
      if (distance <= targets.thresholds[target]! - (options.margin ?? 0)) found.push({ row, target, distance });
    }
    if (options.mode === 'first') found = found.slice(0, 1);
    if (options.mode === 'closest') {
      found.sort((a, b) => a.distance - b.distance || a.row - b.row);
      found = found.slice(0, options.limit ?? 1);
    }
    hits.push(...found);
  }
  return hits;
}

const oracle = new Map<string, Hit[]>();
/** Computes the hits of a case once for all engines. */
function remembered(name: string, compute: () => Hit[]): Hit[] {
  const known = oracle.get(name) ?? compute();
  oracle.set(name, known);
  return known;
}

const WIDTHS = [16, 129, 2048] as const;
const FORMATS = ['f32', 'bf16'] as const;
const SCANS = WIDTHS.flatMap((dim) => FORMATS.map((format) => `${dim} ${format}`));
const table = new ConformanceTable(
  'Distance engines: hits and distances equal to the definition, all modes of a width and row format together',
  Object.keys(ENGINES),
  [[...SCANS, 'thresholds', 'not finite', 'empty', 'errors']],
);
afterAll(() => console.log(`${table}`));

describe.each(Object.entries(ENGINES))('%s', (name, create) => {
  let engine: DistanceEngine | undefined;
  let reason = '';
  beforeAll(async () => {
    try {
      engine = await create();
    } catch (error) {
      if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      reason = error.message;
      table.skipRow(name, reason);
    }
  });
  afterAll(() => engine?.close());

  /** A test that is reported as skipped, with the reason, where the engine does not run. */
  const check = (column: string, title: string, work: (engine: DistanceEngine) => Promise<void>) =>
    test(title, async (context) => {
      if (engine === undefined) return context.skip(reason);
      try {
        await work(engine);
        if (!failed.has(column)) table.record(name, column, { kind: 'ok' });
      } catch (error) {
        failed.add(column);
        table.record(name, column, { kind: 'ok', failed: true });
        throw error;
      }
    });
  const failed = new Set<string>();

  const MODES: ScanOptions[] = [
    { mode: 'all' },
    { mode: 'all', margin: 0.01 },
    { mode: 'first' },
    { mode: 'closest' },
    { mode: 'closest', limit: 7 },
    { mode: 'closest', limit: 5000, margin: 0.005 },
  ];
  for (const options of MODES) {
    for (const [dim, threshold] of [
      [16, 0.6],
      [129, 0.9],
      [2048, 0.97],
    ] as const) {
      // The full width is slow in software; two of the modes take every path.
      if (dim === 2048 && options.margin === undefined && options.limit !== 7) continue;
      if (dim === 2048 && options.limit === 5000) continue;
      const settings = `${options.mode}, limit ${options.limit}, margin ${options.margin}, width ${dim}`;
      for (const format of FORMATS) {
        check(`${dim} ${format}`, `${settings}, ${format} rows`, async (it) => {
          const count = dim === 2048 ? 35 : 150;
          const f32 = matrix(1n, count, dim);
          const rows = rowsOf(format === 'f32' ? f32 : toBf16(f32), dim);
          const targets = targetsOf(matrix(2n, 70, dim), dim, threshold);
          const want = remembered(`${settings} ${format}`, () => expected(rows, targets, options));
          expect(want.length).toBeGreaterThan(20);
          expect(await it.scan(rows, targets, options)).toEqual(want);
        });
      }
    }
  }

  check('thresholds', 'a threshold is inclusive, and each target has its own', async (it) => {
    const dim = 32;
    const rows = rowsOf(matrix(3n, 4, dim), dim);
    const data = matrix(4n, 3, dim);
    const at = (t: number) =>
      cosineDistance(rows.data.subarray(0, dim) as Float32Array, data.subarray(t * dim, (t + 1) * dim));
    const targets = targetsOf(data, dim, [at(0), at(1) - 1e-4, 2.5]);
    const hits = await it.scan(rows, targets, { mode: 'all' });
    expect(hits).toEqual(expected(rows, targets, { mode: 'all' }));
    expect(hits.filter(({ row, target }) => row === 0 && target < 2)).toMatchObject([{ target: 0 }]);
    expect(hits.filter(({ target }) => target === 2)).toHaveLength(4);
  });

  check('not finite', 'rows and targets that are zero or not finite never hit', async (it) => {
    const dim = 8;
    const data = matrix(5n, 6, dim);
    data.fill(0, 0, dim);
    data[dim] = Number.NaN;
    data[2 * dim] = Number.POSITIVE_INFINITY;
    // Lengths that overflow or underflow a kernel's f32 squares; the last row is an ordinary one.
    for (let i = 3 * dim; i < 4 * dim; i++) data[i]! *= 1e18;
    for (let i = 4 * dim; i < 5 * dim; i++) data[i]! *= 1e-18;
    const rows = rowsOf(data, dim);
    const targets = targetsOf(data.slice(), dim, 2.1);
    const hits = await it.scan(rows, targets, { mode: 'all' });
    expect(hits).toEqual(expected(rows, targets, { mode: 'all' }));
    expect([...new Set(hits.map(({ row }) => row))]).toEqual([3, 4, 5]);
    expect([...new Set(hits.map(({ target }) => target))]).toEqual([3, 4, 5]);
  });

  check('empty', 'no rows, no targets', async (it) => {
    const some = rowsOf(matrix(6n, 3, 4), 4);
    const none = { data: new Float32Array(0), rows: 0, dim: 4 };
    expect(await it.scan(none, targetsOf(matrix(7n, 2, 4), 4, 2), { mode: 'all' })).toEqual([]);
    expect(await it.scan(some, targetsOf(new Float32Array(0), 4, 2), { mode: 'first' })).toEqual([]);
  });

  check('errors', 'shapes that disagree and an aborted signal', async (it) => {
    const rows = rowsOf(matrix(8n, 3, 4), 4);
    const targets = targetsOf(matrix(9n, 2, 4), 4, 2);
    const bad: [EmbeddingRows, TargetMatrix, ScanOptions][] = [
      [{ ...rows, rows: 4 }, targets, { mode: 'all' }],
      [rows, { ...targets, targets: 3 }, { mode: 'all' }],
      [rows, targetsOf(matrix(9n, 2, 5), 5, 2), { mode: 'all' }],
      [rows, targets, { mode: 'closest', limit: 0 }],
      [rows, targets, { mode: 'all', margin: Number.NaN }],
    ];
    for (const call of bad) await expect(it.scan(...call)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const signal = AbortSignal.abort();
    await expect(it.scan(rows, targets, { mode: 'all', signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('gpu.js engine', () => {
  test('auto names its choice and the reason, and keeps rows resident between scans', async () => {
    const engine = await createGpuDistanceEngine({ maxBufferBytes: 32 * 1024 });
    try {
      expect(['webgpu', 'webasm', 'cpu']).toContain(engine.mode);
      expect(engine.reason).not.toBe('');
      const rows = rowsOf(toBf16(matrix(10n, 500, 64)), 64);
      const resident = await engine.prepareRows(rows);
      for (const seed of [11n, 12n]) {
        const targets = targetsOf(matrix(seed, 9, 64), 64, 0.8);
        const want = expected(rows, targets, { mode: 'all' });
        expect(want.length).toBeGreaterThan(0);
        const limits = Array.from(targets.thresholds);
        const found = await engine.candidates(resident, targets, limits);
        const exact = expected(rows, targets, { mode: 'all' });
        // All that hit, and none that is farther than the slack.
        const near = new Set(found.flatMap((list, target) => list.map(({ row }) => `${target} ${row}`)));
        expect(exact.filter(({ row, target }) => !near.has(`${target} ${row}`))).toEqual([]);
        const wide = limits.map((limit) => limit + 2 * distanceSlack(64));
        const most = expected(rows, { ...targets, thresholds: Float32Array.from(wide) }, { mode: 'all' });
        expect(near.size).toBeLessThanOrEqual(most.length);
      }
      resident.close();
    } finally {
      await engine.close();
    }
  });
});

describe('bf16', () => {
  test('rounds to nearest even and keeps what is not finite', () => {
    const bits = (value: number) => toBf16(Float32Array.of(value))[0];
    expect(bits(1)).toBe(0x3f80);
    expect(bits(1 + 2 ** -8)).toBe(0x3f80);
    expect(bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(bits(1 + 2 ** -8 + 2 ** -20)).toBe(0x3f81);
    expect(bits(3.4e38)).toBe(0x7f80);
    expect(bits(Number.NEGATIVE_INFINITY)).toBe(0xff80);
    const nan = rowAsF32({ data: toBf16(Float32Array.of(Number.NaN)), rows: 1, dim: 1 }, 0, new Float32Array(1));
    expect(nan[0]).toBeNaN();
  });
});
