import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBf16 } from '../engine/embedding-rows.js';
import { throwIfAborted, toQuarryError } from '../errors/index.js';
import type { RowScanner, RowSelection } from './row-scanner.js';

/** Size of a scan. */
export interface ScanSize {
  readonly rows: number;
  readonly dim: number;
}

/** Maximum f32 data of a measurement; beyond it, time grows linearly with the rows. The bf16 copy takes half as much. */
const MAX_BYTES = 256 * 2 ** 20;
const ROUNDS = 3;
/** No further round is started once a scanner has taken this long. */
const MAX_SECONDS = 2;

/** Rows scanned by a measurement: all, up to 256 MiB. */
export function measuredRows({ rows, dim }: ScanSize): number {
  return Math.max(1, Math.min(rows, Math.floor(MAX_BYTES / (dim * 4))));
}

/**
 * Seconds per scan for one target: the best of up to three after a warm-up.
 *
 * @param size capped at {@link measuredRows}, with the time scaled up accordingly
 */
export function secondsPerScan(scanner: RowScanner, size: ScanSize): Promise<number> {
  return withSyntheticRows(size, (rows) => secondsOf(scanner, rows));
}

/** Synthetic rows for a measurement, and one of them as a target. */
export interface SyntheticRows {
  readonly selection: RowSelection;
  readonly target: Float32Array;
  /** The size to which times are scaled. */
  readonly size: ScanSize;
}

/** Runs `work` on a temporary file of synthetic rows. */
export async function withSyntheticRows<T>(size: ScanSize, work: (rows: SyntheticRows) => Promise<T>): Promise<T> {
  const rows = measuredRows(size);
  const dir = mkdtempSync(join(tmpdir(), 'quarry-scan-'));
  try {
    const data = syntheticValues(rows * size.dim);
    const source = { f32Path: join(dir, 'f32'), bf16Path: join(dir, 'bf16'), rows };
    writeFileSync(source.f32Path, new Uint8Array(data.buffer));
    writeFileSync(source.bf16Path, new Uint8Array(toBf16(data).buffer));
    const selection: RowSelection = {
      sources: [source],
      tables: new Uint8Array(rows),
      rows: Uint32Array.from({ length: rows }, (_, row) => row),
      count: rows,
      dim: size.dim,
    };
    return await work({ selection, target: data.slice(0, size.dim), size });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** {@link secondsPerScan} on existing synthetic rows. */
export async function secondsOf(
  scanner: RowScanner,
  { selection, target, size }: SyntheticRows,
  signal?: AbortSignal,
): Promise<number> {
  const targets = { data: target, thresholds: Float32Array.of(-1), targets: 1, dim: size.dim };
  const control = { signal };
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let round = 0; round <= ROUNDS && (round < 2 || spent < MAX_SECONDS); round++) {
    throwIfAborted(signal, 'measuring distance engines');
    const began = performance.now();
    await scanner.scan(selection, targets, { mode: 'all', ...control });
    const seconds = (performance.now() - began) / 1000;
    spent += seconds;
    if (round > 0) best = Math.min(best, seconds);
  }
  scanner.release(selection.sources.flatMap(({ f32Path, bf16Path }) => [f32Path, bf16Path]));
  return (best * size.rows) / selection.count;
}

/** A candidate scanner. */
export interface Contender {
  readonly scanner: RowScanner;
  readonly name: string;
  /** Human-readable device. */
  readonly detail: string;
}

/** Returns the faster of two scanners, with both times in its detail, and closes the other. */
export async function faster<C extends Contender>(a: C, b: C, size: ScanSize): Promise<C> {
  // Both use the same rows, which take hundreds of megabytes.
  const [first, second] = await withSyntheticRows(size, async (rows) => [await timeOf(a, rows), await timeOf(b, rows)]);
  const [winner, loser] = second.seconds < first.seconds ? [second, first] : [first, second];
  await loser.chosen.scanner.close();
  const detail = `${winner.chosen.detail}; ${winner.text} a target at ${size.rows} rows, ${loser.chosen.name} ${loser.text}`;
  return { ...winner.chosen, detail };
}

interface Timed<C> {
  readonly chosen: C;
  readonly seconds: number;
  readonly text: string;
}

async function timeOf<C extends Contender>(chosen: C, rows: SyntheticRows): Promise<Timed<C>> {
  try {
    const seconds = await secondsOf(chosen.scanner, rows);
    return { chosen, seconds, text: `${Number((seconds * 1000).toPrecision(3))} ms` };
  } catch (error) {
    return { chosen, seconds: Number.POSITIVE_INFINITY, text: toQuarryError(error, 'measuring').message };
  }
}

/** Reproducible values between -1 and 1. */
function syntheticValues(count: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  let state = 1;
  for (let n = 0; n < count; n++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[n] = state / 2 ** 31 - 1;
  }
  return out;
}
