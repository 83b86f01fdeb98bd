import { QuarryError, throwIfAborted } from '../../errors/index.js';
import {
  loadAddon,
  type NativeHits,
  type NativeJob,
  type NativeScan,
  type NativeSelection,
} from '../../native/addon.js';
import { chooseIsa } from '../../native/capabilities.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { runJob } from '../../native/run-job.js';
import type { DistanceEngine, Hit, ScanOptions, TargetMatrix } from '../contract.js';
import { assertScanArguments } from '../embedding-rows.js';
import { usableCores } from '../usable-cores.js';

/** Scans that read less than this run synchronously: passing them to another thread would take longer. */
const AT_ONCE_BYTES = 512 * 1024;
const MODES = { all: 0, first: 1, closest: 2 } as const;

/** Options of {@link createNativeDistanceEngine}. */
export interface NativeDistanceOptions {
  /** Threads per scan. Default: all cores. */
  readonly threads?: number | undefined;
  /** Instruction-set level. Default: the highest available. */
  readonly isa?: IsaLevel | undefined;
}

/**
 * Rows selected from files of `[rows, dim]` little-endian numbers without a header: position p is row `rows[p]` of file
 * pair `tables[p]`. Positions whose table is out of range are skipped.
 */
export interface MappedSelection {
  readonly sources: readonly { readonly f32Path: string; readonly bf16Path: string; readonly rows: number }[];
  readonly tables: Uint8Array;
  readonly rows: Uint32Array;
  readonly count: number;
  readonly dim: number;
}

/** A distance engine that can also scan mapped files in place. */
export interface NativeDistanceEngine extends DistanceEngine {
  /** The instruction-set level in use. */
  readonly isa: IsaLevel;
  /**
   * Like `scan`, over mapped files: streams the bf16 rows and decides candidates by their f32 rows.
   *
   * @throws QuarryError `FILE_UNREADABLE` when a file cannot be mapped or is shorter than its rows
   */
  scanMapped(
    selection: MappedSelection,
    targets: TargetMatrix,
    options: ScanOptions & { readonly from?: number | undefined },
  ): Promise<Hit[]>;
  /** Unmaps files that are about to be deleted. */
  release(paths: readonly string[]): void;
}

const floatBits = new DataView(new ArrayBuffer(4));

/** The largest f32 that is not above `threshold - margin`. */
function limitOf(threshold: number, margin: number): number {
  const limit = threshold - margin;
  const rounded = Math.fround(limit);
  if (!(rounded > limit)) return rounded;
  floatBits.setFloat32(0, rounded);
  const bits = floatBits.getInt32(0);
  if (bits === 0) return -(2 ** -149);
  floatBits.setInt32(0, bits > 0 ? bits - 1 : bits + 1);
  return floatBits.getFloat32(0);
}

/** A plain loop: `Array.from` takes three times as long, which is noticeable at half a million hits. */
function toHits({ rows, targets, distances }: NativeHits): Hit[] {
  const hits: Hit[] = [];
  for (let i = 0; i < rows.length; i++) hits.push({ row: rows[i]!, target: targets[i]!, distance: distances[i]! });
  return hits;
}

/**
 * The distance engine of the native core.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built, does not load or lacks the requested level
 */
export function createNativeDistanceEngine(options: NativeDistanceOptions = {}): NativeDistanceEngine {
  const core = loadAddon();
  const { usable, best } = core.capabilities();
  const isa = chooseIsa(options.isa, usable, best);
  const scanner = core.distanceOpen(isa, options.threads ?? usableCores());
  type Call = (options: NativeScan) => NativeHits | NativeJob<NativeHits>;

  const run = async (
    call: Call,
    count: number,
    rowBytes: number,
    targets: TargetMatrix,
    options: ScanOptions & { readonly from?: number | undefined },
  ): Promise<Hit[]> => {
    const { signal, margin = 0 } = options;
    throwIfAborted(signal, 'the distance scan');
    const raw = {
      targets: targets.data,
      thresholds: targets.thresholds.map((threshold) => limitOf(threshold, margin)),
      mode: MODES[options.mode],
      limit: options.limit ?? 1,
    };
    const from = options.from ?? 0;
    const rowsAtOnce = Math.ceil(AT_ONCE_BYTES / (rowBytes * Math.max(1, targets.targets)));
    if (count - from <= rowsAtOnce) return toHits(call({ ...raw, from, to: count, sync: true }) as NativeHits);
    let start = from;
    if (options.mode === 'first' && targets.targets === 1) {
      // Most targets are hit within a few hundred rows, which are faster to scan synchronously.
      start = from + rowsAtOnce;
      const early = toHits(call({ ...raw, from, to: start, sync: true }) as NativeHits);
      if (early.length > 0) return early;
    }
    const job = call({ ...raw, from: start, to: count, sync: false }) as NativeJob<NativeHits>;
    return toHits(await runJob(job, 'the distance scan', signal));
  };

  return {
    name: 'native',
    device: `cpu ${isa}`,
    isa,
    async scan(rows, targets, options) {
      assertScanArguments(rows, targets, options);
      if (rows.rows === 0 || targets.targets === 0) return [];
      const call: Call = (raw) => core.distanceScanRows(scanner, rows.data, rows.dim, raw);
      return run(call, rows.rows, rows.dim * rows.data.BYTES_PER_ELEMENT, targets, options);
    },
    async scanMapped(selection, targets, options) {
      if (selection.dim !== targets.dim) {
        throw new QuarryError('INVALID_ARGUMENT', `"targets.dim" expected ${selection.dim}, got ${targets.dim}`);
      }
      if (selection.count === 0 || targets.targets === 0) return [];
      const parts: NativeSelection = {
        f32Paths: selection.sources.map((source) => source.f32Path),
        bf16Paths: selection.sources.map((source) => source.bf16Path),
        tableRows: Float64Array.from(selection.sources, (source) => source.rows),
        tables: selection.tables,
        rows: selection.rows,
        count: selection.count,
        dim: selection.dim,
      };
      const call: Call = (raw) => {
        try {
          return core.distanceScanFiles(scanner, parts, raw);
        } catch (error) {
          throw new QuarryError('FILE_UNREADABLE', `the distance scan failed: ${(error as Error).message}`, {
            cause: error,
          });
        }
      };
      return run(call, selection.count, selection.dim * 2, targets, options);
    },
    release: (paths) => core.distanceRelease(scanner, paths),
    async close() {},
  };
}
