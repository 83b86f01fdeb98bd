import type { DistanceEngine, EmbeddingRows, Hit, TargetMatrix } from '../src/engine/contract.js';
import { createGpuDistanceEngine, type GpuMode } from '../src/engine/gpu/index.js';
import { createJsDistanceEngine } from '../src/engine/js/index.js';
import { createNativeDistanceEngine, nativeCapabilities } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { loadAddon } from '../src/native/addon.js';
import type { IsaLevel } from '../src/native/isa-level.js';
import type { PeerTime, Skipped } from './baselines/peer-process.js';
import { pythonScan } from './baselines/python-scan.js';
import { breathe } from './breathe.js';
import { comparisons, type PeerOutcome } from './comparisons.js';
import { fmaPeak, readBandwidth } from './limits.js';
import { mappedEngine } from './mapped-engine.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';
import { DIM, makeRows, makeTargets } from './scan-data.js';
import { scanError } from './scan-error.js';

/** The protocol's hardest threshold: about one row in eighty hits. */
const HARDEST = 0.95;
/** No row of random directions comes this near: the scan itself, without the cost of hits. */
const UNREACHABLE = 0.5;
/** Rows that engines without native code are compared on; the slowest take about a second for them. */
const ENGINE_ROWS = 20_000;

/** Options of the distance bench. */
export interface DistanceBenchOptions extends BenchOptions {
  /** Levels to run. Default: the best one. */
  readonly isa?: readonly IsaLevel[] | undefined;
  /** Rows of 2,048. Default 500,000, which is 2 GB in bf16; `quick` takes 50,000. */
  readonly rows?: number | undefined;
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

/** The largest error allowed: the definition is the same in every engine. */
function assertRight(error: number, what: string): void {
  if (error <= 1e-6) return;
  throw new QuarryError('ENGINE_FAILED', `the distance scan is wrong: ${what}`, { details: { error } });
}

/**
 * Distance scans of 2,048-wide rows against the machine's limits: one target against the bandwidth of reading memory,
 * many against the peak of bf16 multiply-adds. Values are bytes or FLOPs per second.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when a result is wrong: nothing is timed that does not compute
 */
export async function* run(options: DistanceBenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadAddon();
  const capabilities = nativeCapabilities();
  if (!capabilities.available) throw new QuarryError('ENGINE_UNAVAILABLE', capabilities.reason);
  const count = options.rows ?? (options.quick ? 50_000 : 500_000);
  const passes = options.quick ? 2 : 5;
  const peers = options.peers ?? !options.quick;
  const cases = [
    ['bf16', count, 1, UNREACHABLE, 'memory'],
    ['bf16', count, 1, UNREACHABLE, 'file'],
    ['bf16', count, 100, UNREACHABLE, 'memory'],
    ['bf16', count, 100, HARDEST, 'memory'],
    ['f32', Math.ceil(count / 4), 1, UNREACHABLE, 'memory'],
    ['f32', Math.ceil(count / 4), 100, UNREACHABLE, 'memory'],
  ] as const;
  let made: { format: string; rows: EmbeddingRows } | undefined;
  for (const isa of options.isa ?? [capabilities.best]) {
    for (const [format, rowCount, targetCount, threshold, from] of cases) {
      if (made?.format !== format) made = { format, rows: makeRows(rowCount, format) };
      const { rows } = made;
      const targets = makeTargets(targetCount, threshold);
      for (const threads of options.threads ?? [...new Set([1, capabilities.cpus])]) {
        await breathe(options.signal);
        const native = createNativeDistanceEngine({ isa, threads });
        const engine = from === 'file' ? await mappedEngine(native, rows) : native;
        const many = targetCount > 1;
        const multiplies = isa === 'avx512bf16' && format === 'bf16' ? 'bf16' : 'f32';
        const limitNow = (): Promise<number> =>
          many ? fmaPeak(core, isa, multiplies, threads) : readBandwidth(core, threads);
        const measure = async () => {
          const error = await scanError(engine, rows, targets, HARDEST);
          assertRight(error, `${targetCount} targets at ${isa}`);
          // The limit is taken before and after, because other work on the machine comes and goes.
          const before = await limitNow();
          const timed = await time(engine, rows, targets, many ? Math.min(2, passes) : passes);
          return { error, ...timed, limit: Math.max(before, await limitNow()) };
        };
        const { error, seconds, hits, limit } = await measure().finally(() => engine.close());
        const value = many ? (2 * rowCount * targetCount * DIM) / seconds : rows.data.byteLength / seconds;
        const own = benchResult({
          bench: 'distance',
          case: `${rowCount} rows x ${DIM}${from === 'file' ? ' mapped' : ''}, ${targetCount} ${many ? 'targets' : 'target'}, threshold ${threshold}`,
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
        const run = { threads, repeats: many ? 2 : passes, python: options.python, signal: options.signal };
        // Hits cost the peers nothing and us little; with none, all do the same.
        const compared = peers && threshold === UNREACHABLE && from === 'memory';
        const outcomes = compared ? [await pythonScan(rows, targets, run)] : [];
        yield* comparisons(own, seconds, value * seconds, outcomes);
      }
    }
  }
  made = undefined;
  if (peers) yield* otherEngines(options);
}

/** Our engines that run without native code, on fewer rows, beside the native core. gpu.js gets its rows beforehand. */
async function* otherEngines(options: DistanceBenchOptions): AsyncIterable<BenchResult> {
  const rows = makeRows(options.quick ? ENGINE_ROWS / 10 : ENGINE_ROWS, 'bf16');
  const targets = makeTargets(1, HARDEST);
  const engines: [string, () => Promise<DistanceEngine>][] = [
    ['js', async () => createJsDistanceEngine()],
    ...(['cpu', 'webasm', 'webgpu'] satisfies GpuMode[]).map((mode): [string, () => Promise<DistanceEngine>] => [
      `gpu.js ${mode}`,
      () => createGpuDistanceEngine({ mode }),
    ]),
  ];
  const native = createNativeDistanceEngine({ threads: 1 });
  const { seconds } = await time(native, rows, targets, 5);
  const outcomes: PeerOutcome[] = [];
  for (const [name, create] of engines) {
    await breathe(options.signal);
    outcomes.push({ name, ...(await engineOutcome(create, rows, targets)) });
  }
  const own = benchResult({
    bench: 'distance',
    case: `${rows.rows} rows x ${DIM}, 1 target, threshold ${HARDEST}`,
    engine: 'native',
    isa: native.isa,
    precision: 'bf16',
    threads: 1,
    value: rows.data.byteLength / seconds,
    unit: 'B/s',
    error: await scanError(native, rows, targets, HARDEST),
    note: `${(seconds * 1000).toFixed(1)} ms`,
  });
  yield* comparisons(own, seconds, rows.data.byteLength, outcomes);
}

async function engineOutcome(
  create: () => Promise<DistanceEngine>,
  rows: EmbeddingRows,
  targets: TargetMatrix,
): Promise<PeerTime | Skipped> {
  try {
    const engine = await create();
    const error = await scanError(engine, rows, targets, HARDEST);
    if (!(error <= 1e-5)) return { skipped: `its result is wrong: error ${error.toExponential(1)}` };
    const { seconds } = await time(engine, rows, targets, 2);
    await engine.close();
    return { seconds, error, version: engine.device };
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE') return { skipped: error.message };
    throw error;
  }
}
