import type { DistanceEngine, EmbeddingRows, Hit, TargetMatrix } from '../src/engine/contract.js';
import { toBf16 } from '../src/engine/embedding-rows.js';
import type { IsaLevel } from '../src/engine/engine-spec.js';
import { createGpuDistanceEngine, type GpuMode } from '../src/engine/gpu/index.js';
import { loadNativeCore } from '../src/engine/native/core.js';
import { createNativeDistanceEngine, nativeCapabilities } from '../src/engine/native/index.js';
import { createReferenceDistanceEngine, normalArray } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { fmaPeak, readBandwidth } from './limits.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Width of a V1 embedding. */
const DIM = 2048;
/** The protocol's hardest threshold: about one row in eighty hits. */
const HARDEST = 0.95;
/** No row of random directions comes this near: the scan itself, without the cost of hits. */
const UNREACHABLE = 0.5;
/** Rows a peer is compared on; the slowest take about a second for them. */
const PEER_ROWS = 20_000;

/** Options of the distance bench. */
export interface DistanceBenchOptions extends BenchOptions {
  /** Levels to run. Default: the best one. */
  readonly isa?: readonly IsaLevel[];
  /** Rows of 2,048. Default 500,000, which is 2 GB in bf16; `quick` takes 50,000. */
  readonly rows?: number;
}

/** Rows with the statistics of embeddings: windows at shifting places of one block of Gaussian numbers. */
function makeRows(count: number, format: 'bf16' | 'f32'): EmbeddingRows {
  const f32 = normalArray(1n, 2 ** 20);
  const source = format === 'bf16' ? toBf16(f32) : f32;
  const data = format === 'bf16' ? new Uint16Array(count * DIM) : new Float32Array(count * DIM);
  for (let row = 0; row < count; row++) {
    const from = (row * 7919) % (source.length - DIM);
    data.set(source.subarray(from, from + DIM), row * DIM);
  }
  return { data, rows: count, dim: DIM };
}

function makeTargets(count: number, threshold: number): TargetMatrix {
  return {
    data: normalArray(2n, count * DIM),
    thresholds: new Float32Array(count).fill(threshold),
    targets: count,
    dim: DIM,
  };
}

/** The best of `passes` full scans, in seconds, and its hits. */
async function time(
  engine: DistanceEngine,
  rows: EmbeddingRows,
  targets: TargetMatrix,
  passes: number,
): Promise<{ seconds: number; hits: Hit[] }> {
  let seconds = Number.POSITIVE_INFINITY;
  let hits: Hit[] = [];
  for (let pass = 0; pass < passes; pass++) {
    const begin = performance.now();
    hits = await engine.scan(rows, targets, { mode: 'all' });
    seconds = Math.min(seconds, (performance.now() - begin) / 1000);
  }
  return { seconds, hits };
}

/** The largest difference to the reference's distances over the first rows; infinite when the hits themselves differ. */
async function errorOf(engine: DistanceEngine, rows: EmbeddingRows, targets: TargetMatrix): Promise<number> {
  const few = { data: rows.data.subarray(0, 500 * DIM), rows: 500, dim: DIM };
  const loose = { ...targets, thresholds: new Float32Array(targets.targets).fill(HARDEST) };
  const reference = createReferenceDistanceEngine();
  const want = await reference.scan(few, loose, { mode: 'all' });
  const got = await engine.scan(few, loose, { mode: 'all' });
  if (want.length !== got.length) return Number.POSITIVE_INFINITY;
  return want.reduce((worst, hit, i) => {
    const same = got[i]!.row === hit.row && got[i]!.target === hit.target;
    return same ? Math.max(worst, Math.abs(got[i]!.distance - hit.distance)) : Number.POSITIVE_INFINITY;
  }, 0);
}

/** The largest error allowed: the definition is the same in every engine. */
function assertRight(error: number, what: string): void {
  if (error <= 1e-6) return;
  throw new QuarryError('ENGINE_FAILED', `the distance scan is wrong: ${what}`, { facts: { error } });
}

/**
 * Distance scans of 2,048-wide rows against the machine's limits: one target against the bandwidth of reading memory,
 * many against the peak of bf16 multiply-adds. Values are bytes or FLOPs per second.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when a result is wrong: nothing is timed that does not compute
 */
export async function* run(options: DistanceBenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadNativeCore();
  const capabilities = nativeCapabilities();
  if (!capabilities.available) throw new QuarryError('ENGINE_UNAVAILABLE', capabilities.reason);
  const count = options.rows ?? (options.quick ? 50_000 : 500_000);
  const passes = options.quick ? 2 : 5;
  const cases = [
    ['bf16', count, 1, UNREACHABLE],
    ['bf16', count, 100, UNREACHABLE],
    ['bf16', count, 100, HARDEST],
    ['f32', Math.ceil(count / 4), 1, UNREACHABLE],
  ] as const;
  let made: { format: string; rows: EmbeddingRows } | undefined;
  for (const isa of options.isa ?? [capabilities.best]) {
    for (const [format, rowCount, targetCount, threshold] of cases) {
      if (made?.format !== format) made = { format, rows: makeRows(rowCount, format) };
      const { rows } = made;
      const targets = makeTargets(targetCount, threshold);
      for (const threads of options.threads ?? [...new Set([1, capabilities.cpus])]) {
        options.signal?.throwIfAborted();
        const engine = createNativeDistanceEngine({ isa, threads });
        const error = await errorOf(engine, rows, targets);
        assertRight(error, `${targetCount} targets at ${isa}`);
        const many = targetCount > 1;
        // The limit is taken before and after, because other work on the machine comes and goes.
        const limitNow = (): Promise<number> =>
          many ? fmaPeak(core, isa, isa === 'avx512bf16' ? 'bf16' : 'f32', threads) : readBandwidth(core, threads);
        const before = await limitNow();
        const { seconds, hits } = await time(engine, rows, targets, many ? Math.min(2, passes) : passes);
        const limit = Math.max(before, await limitNow());
        const value = many ? (2 * rowCount * targetCount * DIM) / seconds : rows.data.byteLength / seconds;
        yield benchResult({
          bench: 'distance',
          case: `${rowCount} rows x ${DIM}, ${targetCount} ${many ? 'targets' : 'target'}, threshold ${threshold}`,
          engine: 'native',
          isa,
          precision: format,
          threads,
          value,
          unit: many ? 'FLOP/s' : 'B/s',
          limit,
          ratio: value / limit,
          error,
          note: `${(seconds * 1000).toFixed(1)} ms, ${hits.length} hits`,
        });
      }
    }
  }
  made = undefined;
  yield* peers(options);
}

/** Other engines on fewer rows, each beside the native core's time for the same scan. */
async function* peers(options: DistanceBenchOptions): AsyncIterable<BenchResult> {
  const rowCount = options.quick ? PEER_ROWS / 10 : PEER_ROWS;
  const rows = makeRows(rowCount, 'bf16');
  const targets = makeTargets(1, HARDEST);
  const native = createNativeDistanceEngine();
  const { seconds } = await time(native, rows, targets, 5);
  const fields = { bench: 'distance', case: `${rowCount} rows x ${DIM}, 1 target, threshold ${HARDEST}`, unit: 'B/s' };
  const engines: [string, () => Promise<DistanceEngine>][] = [
    ['reference', async () => createReferenceDistanceEngine()],
    ...(['cpu', 'webasm'] satisfies GpuMode[]).map((mode): [string, () => Promise<DistanceEngine>] => [
      `gpu.js ${mode}`,
      () => createGpuDistanceEngine({ mode }),
    ]),
  ];
  for (const [name, create] of engines) {
    options.signal?.throwIfAborted();
    try {
      const engine = await create();
      const theirs = await time(engine, rows, targets, 2);
      await engine.close();
      const value = rows.data.byteLength / seconds;
      const peerRatio = theirs.seconds / seconds;
      yield benchResult({
        ...fields,
        engine: 'native',
        isa: native.isa,
        precision: 'bf16',
        value,
        peer: name,
        peerRatio,
      });
    } catch (error) {
      if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      yield benchResult({ ...fields, engine: name, precision: 'bf16', note: `skipped: ${error.message}` });
    }
  }
  yield benchResult({ ...fields, engine: 'usearch', note: 'skipped: not installed' });
}
