import { nativeCapabilities } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { loadAddon } from '../src/native/addon.js';
import type { IsaLevel } from '../src/native/isa-level.js';
import { runJob } from '../src/native/run-job.js';
import { onnxMatmul } from './baselines/onnx-matmul.js';
import { pythonPeer } from './baselines/python.js';
import { breathe } from './breathe.js';
import { comparisons, type PeerOutcome } from './comparisons.js';
import { fmaPeak } from './limits.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Products of one layer of the full V1 model on one chunk, `[m, n, k]`. */
const V1_SHAPES = [
  ['query, key, value', 1024, 6144, 2048],
  ['attention output', 1024, 2048, 2048],
  ['feed-forward inner', 1024, 8192, 2048],
  ['feed-forward outer', 1024, 2048, 8192],
] as const;

/** Errors above these would mean a broken kernel; relative to `sum |a||b|` of each element. */
const LARGEST_ERROR = 1e-6;

/** The same for peers; PyTorch rounds bf16 products to bf16 when they are done, ours stay f32. */
const LARGEST_PEER_ERROR = { f32: 1e-6, bf16: 4e-3 } as const;

/** Options of the product bench. */
export interface GemmBenchOptions extends BenchOptions {
  /** Levels to run. Default: the best one. */
  readonly isa?: readonly IsaLevel[] | undefined;
}

/**
 * Matrix products on the V1 shapes against the peak of fused multiply-adds. Values are FLOPs per second.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when a result is wrong: nothing is timed that does not compute
 */
export async function* run(options: GemmBenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadAddon();
  const capabilities = nativeCapabilities();
  if (!capabilities.available) throw new QuarryError('ENGINE_UNAVAILABLE', capabilities.reason);
  const threadCounts = options.threads ?? [...new Set([1, capabilities.cpus])];
  const shapes = options.quick ? V1_SHAPES.slice(1, 2) : V1_SHAPES;
  const repeats = options.quick ? 2 : 7;
  const peers = options.peers ?? !options.quick;
  for (const isa of options.isa ?? [capabilities.best]) {
    for (const threads of threadCounts) {
      const python = peers ? await pythonProducts(shapes, threads, repeats, options) : { f32: [], bf16: [] };
      for (const [index, [name, m, n, k]] of shapes.entries()) {
        const flops = 2 * m * n * k;
        const onnx = peers ? [await onnxProduct(m, n, k, threads, repeats)] : [];
        for (const precision of isa === 'avx512bf16' ? (['bf16', 'f32'] as const) : (['f32'] as const)) {
          await breathe(options.signal);
          const before = await fmaPeak(core, isa, precision, threads);
          const { seconds, error } = await runJob(
            core.benchGemm(isa, precision, m, n, k, threads, repeats),
            'the product',
            options.signal,
          );
          const limit = Math.max(before, await fmaPeak(core, isa, precision, threads));
          if (!(error <= LARGEST_ERROR)) {
            throw new QuarryError('ENGINE_FAILED', `product ${m}x${n}x${k} in ${precision} at ${isa} is wrong`, {
              details: { error },
            });
          }
          const own = benchResult({
            bench: 'gemm',
            case: `${name} ${m}x${n}x${k}`,
            engine: 'native',
            isa,
            precision,
            threads,
            value: flops / seconds,
            unit: 'FLOP/s',
            limit,
            ratio: flops / seconds / limit,
            error,
          });
          const inPython = python[precision].map((outcomes) => outcomes[index]!);
          yield* comparisons(own, seconds, flops, [...onnx, ...inPython]);
        }
      }
    }
  }
}

type Shape = (typeof V1_SHAPES)[number];

async function onnxProduct(m: number, n: number, k: number, threads: number, repeats: number): Promise<PeerOutcome> {
  const outcome = await onnxMatmul(m, n, k, threads, repeats, LARGEST_PEER_ERROR.f32);
  return { name: 'onnxruntime-node cpu f32', ...outcome };
}

/** For each precision and library, an outcome for each shape. */
async function pythonProducts(
  shapes: readonly Shape[],
  threads: number,
  repeats: number,
  { python, signal }: GemmBenchOptions,
): Promise<Record<'f32' | 'bf16', PeerOutcome[][]>> {
  const run = async (library: 'numpy' | 'PyTorch', precision: 'f32' | 'bf16'): Promise<PeerOutcome[]> => {
    const outcome = await pythonPeer<{ results: { seconds: number; error: number }[]; version: string }>(
      python,
      {
        do: 'gemm',
        library,
        precision,
        threads,
        repeats,
        tolerance: LARGEST_PEER_ERROR[precision],
        shapes: shapes.map(([, m, n, k]) => [m, n, k]),
      },
      signal,
    );
    const name = `${library} ${precision}`;
    if ('skipped' in outcome) return shapes.map(() => ({ name, skipped: outcome.skipped }));
    return outcome.results.map((result) => ({ name, ...result, version: outcome.version }));
  };
  return {
    f32: [await run('numpy', 'f32'), await run('PyTorch', 'f32')],
    bf16: [await run('PyTorch', 'bf16')],
  };
}
