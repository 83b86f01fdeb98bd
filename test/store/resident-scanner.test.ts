import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ScanOptions, TargetMatrix } from '../../src/engine/contract.js';
import { toBf16 } from '../../src/engine/embedding-rows.js';
import { createGpuDistanceEngine, type GpuMode } from '../../src/engine/gpu/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { normalArray } from '../../src/random/arrgen.js';
import { createFileScanner } from '../../src/store/file-scanner.js';
import { ResidentScanner } from '../../src/store/resident-scanner.js';
import type { RowSelection } from '../../src/store/row-scanner.js';
import { useSoftwareVulkan } from '../engine/software-vulkan.js';

const DIM = 24;
const TABLES = 3;

/** Rows of three models, and which of them each sample's position refers to. */
class Files {
  readonly dir = mkdtempSync(join(tmpdir(), 'quarry-resident-'));
  count = 0;

  grow(count: number): void {
    for (let table = 0; table < TABLES; table++) {
      const rows = normalArray(BigInt(this.count * TABLES + table + 1), count * DIM);
      // A row without direction, and one that is too long for a kernel to scale.
      if (this.count === 0) {
        rows.fill(0, 0, DIM);
        rows.fill(1e30, DIM, 2 * DIM);
      }
      for (const [name, data] of [
        ['f32', rows],
        ['bf16', toBf16(rows)],
      ] as const) {
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        if (this.count === 0) writeFileSync(this.path(table, name), bytes);
        else appendFileSync(this.path(table, name), bytes);
      }
    }
    this.count += count;
  }

  path(table: number, name: 'f32' | 'bf16'): string {
    return join(this.dir, `${table}.${name}`);
  }

  selection(): RowSelection {
    const sources = Array.from({ length: TABLES }, (_, table) => ({
      f32Path: this.path(table, 'f32'),
      bf16Path: this.path(table, 'bf16'),
      rows: this.count,
    }));
    // One in ten is skipped.
    const tables = Uint8Array.from({ length: this.count }, (_, p) =>
      p % 10 === 7 ? 255 : (p * 7 + (p >> 3)) % TABLES,
    );
    return {
      sources,
      tables,
      rows: Uint32Array.from({ length: this.count }, (_, p) => p),
      count: this.count,
      dim: DIM,
    };
  }
}

function targetsOf(count: number, threshold: number): TargetMatrix {
  return {
    data: normalArray(99n, count * DIM),
    thresholds: new Float32Array(count).fill(threshold),
    targets: count,
    dim: DIM,
  };
}

const SCANS: readonly (ScanOptions & { readonly from?: number })[] = [
  { mode: 'all' },
  { mode: 'first' },
  { mode: 'first', from: 1_500 },
  { mode: 'closest', limit: 3 },
  { mode: 'closest', limit: 1, margin: 0.1 },
];

beforeAll(useSoftwareVulkan);

describe.each(['webgpu', 'webasm'] satisfies GpuMode[])('rows resident on a device, %s', (mode) => {
  let files: Files;
  const plain = createFileScanner();
  beforeEach(() => {
    files = new Files();
  });
  afterEach(() => rmSync(files.dir, { recursive: true }));
  afterAll(() => plain.close());

  const open = async (budgetBytes?: number, onUpload?: () => void): Promise<ResidentScanner | undefined> => {
    try {
      const engine = await createGpuDistanceEngine({ mode, maxBufferBytes: 2 * 2 ** 20 });
      const prepareRows: typeof engine.prepareRows = (rows) => {
        onUpload?.();
        return engine.prepareRows(rows);
      };
      return new ResidentScanner({ ...engine, prepareRows }, budgetBytes);
    } catch (error) {
      // A machine without any Vulkan driver has nothing to test.
      if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return undefined;
      throw error;
    }
  };

  const expectSame = async (scanner: ResidentScanner): Promise<void> => {
    for (const targets of [targetsOf(1, 0.6), targetsOf(9, 0.5)]) {
      for (const options of SCANS) {
        const want = await plain.scan(files.selection(), targets, options);
        expect(await scanner.scan(files.selection(), targets, options)).toEqual(want);
      }
    }
  };

  test('are found as in the files, while these grow', async () => {
    const scanner = await open();
    if (scanner === undefined) return;
    // Fewer than a chunk, a chunk, one that is merged, and a few that wait.
    for (const more of [600, 1_900, 4_000, 100]) {
      files.grow(more);
      await expectSame(scanner);
    }
    expect(scanner.residentBytes).toBe(TABLES * 6_500 * DIM * 4);
    await scanner.close();
  });

  test('stay from scan to scan where not all of one selection fit', async () => {
    let uploads = 0;
    const scanner = await open(2.5 * 3_000 * DIM * 4, () => uploads++);
    if (scanner === undefined) return;
    files.grow(3_000);
    await expectSame(scanner);
    expect(uploads).toBe(TABLES);
    expect(scanner.residentBytes).toBe(2.5 * 3_000 * DIM * 4);
    await scanner.close();
  });

  test('are evicted for others where the device is small, and released when asked', async () => {
    const budget = 2 * 3_000 * DIM * 4;
    const scanner = await open(budget);
    if (scanner === undefined) return;
    files.grow(3_000);
    await expectSame(scanner);
    expect(scanner.residentBytes).toBeLessThanOrEqual(budget);
    expect(scanner.residentBytes).toBeGreaterThan(0);
    scanner.release(Array.from({ length: TABLES }, (_, table) => files.path(table, 'f32')));
    await scanner.scan(files.selection(), targetsOf(0, 0), { mode: 'all' });
    const tiny = await open(1_500 * DIM * 4);
    await expectSame(tiny!);
    await tiny!.close();
    await scanner.close();
    expect(scanner.residentBytes).toBe(0);
  });
});
