import type { Hit, TargetMatrix } from '../engine/contract.js';
import { distanceSlack, type GpuDistanceEngine, type ResidentRows } from '../engine/gpu/index.js';
import { HitCollector } from '../engine/hit-collector.js';
import { cosineDistance } from '../engine/reference/competition.js';
import { throwIfAborted } from '../errors/index.js';
import { readRows } from './read-rows.js';
import { RESIDENT_BYTES, ResidentTable } from './resident-table.js';
import { RowReader } from './row-reader.js';
import type { RowScanner, RowSelection, RowTable, SelectionScanOptions } from './row-scanner.js';

/** Block size in which rows that do not fit on the device are read and uploaded for each scan, bytes. */
const BLOCK_BYTES = 64 * 2 ** 20;

/** A possible hit, with the kernel's distance. */
interface Near {
  readonly position: number;
  readonly distance: number;
}

/**
 * Scans rows that stay in device memory: uploaded once, then extended as the store grows. When memory runs out, evicts
 * the least recently used models, but none that the current scan needs. The device finds possible hits; the f32 rows on
 * disk decide.
 */
export class ResidentScanner implements RowScanner {
  readonly name: string;
  readonly #engine: GpuDistanceEngine;
  readonly #budgetBytes: number;
  /** By file, least recently used first. */
  readonly #tables = new Map<string, ResidentTable<ResidentRows>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: GpuDistanceEngine, budgetBytes: number = RESIDENT_BYTES) {
    this.#engine = engine;
    this.#budgetBytes = budgetBytes;
    this.name = engine.name;
  }

  /** Bytes currently on the device. */
  get residentBytes(): number {
    return [...this.#tables.values()].reduce((sum, table) => sum + table.bytes, 0);
  }

  scan(selection: RowSelection, targets: TargetMatrix, options: SelectionScanOptions): Promise<Hit[]> {
    // Scans run one at a time: they share kernels and device memory.
    const scan = this.#last.then(() => this.#scan(selection, targets, options));
    this.#last = scan.catch(() => {});
    return scan;
  }

  release(paths: readonly string[]): void {
    // Free after scans under way, which still read the rows.
    this.#last = this.#last.then(() => {
      for (const path of paths) this.#drop(path);
    });
  }

  async close(): Promise<void> {
    await this.#last;
    for (const path of [...this.#tables.keys()]) this.#drop(path);
    await this.#engine.close();
  }

  #drop(path: string): void {
    this.#tables.get(path)?.close();
    this.#tables.delete(path);
  }

  async #scan(selection: RowSelection, targets: TargetMatrix, options: SelectionScanOptions): Promise<Hit[]> {
    const near = Array.from({ length: targets.targets }, (): Near[] => []);
    const margin = options.margin ?? 0;
    const limits = Array.from(targets.thresholds, (threshold) => threshold - margin);
    const kept = new Set(selection.sources.map(({ f32Path }) => f32Path));
    for (const [index, source] of selection.sources.entries()) {
      throwIfAborted(options.signal, 'the distance scan');
      const positions = positionsOf(selection, index, options.from ?? 0);
      if (positions === undefined) continue;
      const table = await this.#resident(source, selection.dim, kept);
      await this.#searchTable(table, selection.dim, positions, targets, limits, near, options);
    }
    return decide(selection, targets, near, options);
  }

  async #searchTable(
    table: ResidentTable<ResidentRows>,
    dim: number,
    positions: Int32Array,
    targets: TargetMatrix,
    limits: readonly number[],
    near: Near[][],
    { signal }: SelectionScanOptions,
  ): Promise<void> {
    const take = (target: number, row: number, distance: number): void => {
      const position = positions[row]!;
      if (position >= 0) near[target]!.push({ position, distance });
    };
    for (const { first, device } of table.chunks) {
      const found = await this.#engine.candidates(device, targets, limits, signal);
      for (const [target, list] of found.entries()) {
        for (const { row, distance } of list) if (first + row < positions.length) take(target, first + row, distance);
      }
    }
    // The remaining rows: too few for a chunk, or without room on the device.
    const most = Math.max(1, Math.floor(BLOCK_BYTES / (dim * 4)));
    for (let first = table.rows; first < positions.length; first += most) {
      const count = Math.min(most, positions.length - first);
      const rows = { data: readRows(table.path, first, count, dim), rows: count, dim };
      for (const { row, target, distance } of await this.#engine.scan(rows, targets, { mode: 'all', signal }))
        take(target, first + row, distance);
    }
  }

  /** Uploads the table's rows, as many as fit. */
  async #resident(
    { f32Path, rows }: RowTable,
    dim: number,
    kept: ReadonlySet<string>,
  ): Promise<ResidentTable<ResidentRows>> {
    const table =
      this.#tables.get(f32Path) ?? new ResidentTable(f32Path, dim, (more) => this.#engine.prepareRows(more));
    this.#tables.delete(f32Path);
    const needed = Math.min(rows * dim * 4, this.#budgetBytes);
    for (const path of [...this.#tables.keys()]) {
      if (this.residentBytes + needed > this.#budgetBytes && !kept.has(path)) this.#drop(path);
    }
    const room = Math.min(needed, this.#budgetBytes - this.residentBytes);
    this.#tables.set(f32Path, table);
    await table.grow(Math.floor(room / (dim * 4)));
    return table;
  }
}

/** Position of each row of a table, -1 if not selected; `undefined` if none is. */
function positionsOf(
  { tables, rows, count, sources }: RowSelection,
  table: number,
  from: number,
): Int32Array | undefined {
  const positions = new Int32Array(sources[table]!.rows).fill(-1);
  let used = false;
  for (let position = from; position < count; position++) {
    if (tables[position] !== table) continue;
    positions[rows[position]!] = position;
    used = true;
  }
  return used ? positions : undefined;
}

/** Decides possible hits by the f32 rows, reading only as many as the mode needs. */
function decide(
  selection: RowSelection,
  targets: TargetMatrix,
  near: readonly Near[][],
  options: SelectionScanOptions,
): Hit[] {
  const { dim } = selection;
  const collector = new HitCollector(targets, options);
  const reader = new RowReader(selection);
  const row = new Float32Array(dim);
  try {
    for (const [target, list] of near.entries()) {
      const vector = targets.data.subarray(target * dim, (target + 1) * dim);
      const wanted = options.mode === 'closest' ? closestOf(list, options.limit ?? 1, distanceSlack(dim)) : list;
      wanted.sort((a, b) => a.position - b.position);
      for (const { position } of wanted) {
        if (collector.limit(target) === Number.NEGATIVE_INFINITY) break;
        reader.block(position, position + 1, row);
        collector.offer(position, target, cosineDistance(row, vector));
      }
    }
  } finally {
    reader.close();
  }
  return collector.hits();
}

/** Entries that may be among the `count` closest, given the kernel's error. */
function closestOf(list: readonly Near[], count: number, slack: number): Near[] {
  // Non-finite distances may not be hits at all and so do not count towards the bound.
  const known = list.map(({ distance }) => distance).filter(Number.isFinite);
  const distances = known.sort((a, b) => a - b);
  const bound = (distances[count - 1] ?? Number.POSITIVE_INFINITY) + 2 * slack;
  return list.filter(({ distance }) => distance <= bound);
}
