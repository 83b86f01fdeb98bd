import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Score } from '../src/engine/contract.js';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { loadAddon, type NativePrecision } from '../src/native/addon.js';
import type { IsaLevel } from '../src/native/isa-level.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { openSafetensors } from '../src/weights/safetensors.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import { onnxPeer, torchPeers } from './baselines/forward-peers.js';
import { breathe } from './breathe.js';
import { comparisons } from './comparisons.js';
import { assertRoom, checkSlice, flushFolder, modelFile, sampleBytes } from './forward-model.js';
import { fmaPeak } from './limits.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';
import { relativeError } from './score-error.js';

/** Options of the forward bench. */
export interface ForwardBenchOptions extends BenchOptions {
  /** All 24 layers, a file of 4.84 GB and another 7.3 GB of packed forms. Peers then run with all threads only. */
  readonly full?: boolean | undefined;
  /** Layers of the V1-wide model. Default 2, which has every kernel's shape; 24 with `full`. */
  readonly layers?: number | undefined;
  /** Chunks of a sample to time. Default 1. */
  readonly chunks?: readonly number[] | undefined;
  /** Level to run. Default: the best one. */
  readonly isa?: IsaLevel | undefined;
  /** Where the generated weights and their packed forms go; kept, so that a second run finds them. Default: a temporary
   * folder, removed at the end. */
  readonly directory?: string | undefined;
  readonly repeats?: number | undefined;
}

/** FLOPs a chunk needs, a multiply-add counted as two, masked scores not counted. */
export function usefulFlops(config: ModelConfig): number {
  const { embeddingDim: e, hiddenDim: h, numLayers: l, vocabSize: v, sequenceLength: t } = config;
  return l * (8 * e * e * t + 4 * e * h * t + 4 * e * ((t * (t + 1)) / 2)) + 2 * e * v * t + 2 * e * 256 * t;
}

/** What one precision made of a sample. */
interface Timed {
  readonly seconds: number;
  readonly score: Score;
  /** Stated bound of the loss. */
  readonly bound: number;
  readonly limit: number;
}

/**
 * Whole chunks through a model as wide as the full V1, against the peak of fused multiply-adds. Values are useful FLOPs
 * per second: masked attention scores, which the reference computes, do not count. Errors in f32 are those of the model's
 * first layers against the reference; in bf16 they are against the whole model in f32, and so are those of peers.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when scores are wrong: nothing is timed that does not compute
 * @throws QuarryError `DISK_FULL` or `UNSUPPORTED` when there is too little disk or memory
 */
export async function* run(options: ForwardBenchOptions = {}): AsyncIterable<BenchResult> {
  const { best, cpus } = loadAddon().capabilities();
  const { signal, full = false, peers = !options.quick, isa = best, python } = options;
  const layers = options.layers ?? (full ? MODEL_CONFIGS.v1.numLayers : options.quick ? 1 : 2);
  const config: ModelConfig = { ...MODEL_CONFIGS.v1, numLayers: layers };
  const repeats = options.repeats ?? (options.quick ? 1 : full ? 2 : 4);
  const precisions: NativePrecision[] = isa === 'avx512bf16' ? ['f32', 'bf16'] : ['f32'];
  // All threads first: at the full size they make what only the first load makes, in less time.
  const threadCounts = options.threads ?? [...new Set([cpus, 1])];
  const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'quarry-bench-')));
  let weights: WeightsFile | undefined;
  try {
    await assertRoom(config, directory, peers);
    const file = await modelFile(config, directory, signal);
    const slice = { ...config, numLayers: Math.min(2, layers), sequenceLength: options.quick ? 8 : 32 };
    const f32Error = await checkSlice(file, slice, { isa }, signal);
    // The name stands for the content: both are made here.
    weights = await openSafetensors(file, { checksum: `bench1v1x${layers}` });
    for (const [turn, threads] of threadCounts.entries()) {
      for (const chunks of options.chunks ?? [1]) {
        const sample = sampleBytes(chunks * config.sequenceLength);
        const timed = new Map<NativePrecision, Timed>();
        for (const precision of precisions) {
          await breathe(signal);
          const times = full && turn > 0 ? 1 : repeats;
          timed.set(
            precision,
            await timeNative(precision, { weights, config, sample, threads, isa, directory }, times, signal),
          );
        }
        const want = timed.get('f32')!.score;
        const peerCase = {
          weights: file,
          config,
          sample,
          want,
          threads,
          repeats: Math.min(2, repeats),
          python,
          signal,
        };
        const asked = peers && !(full && turn > 0);
        const onnx = asked ? await onnxPeer(peerCase) : undefined;
        for (const [precision, { seconds, score, bound, limit }] of timed) {
          const error = precision === 'f32' ? f32Error : relativeError(score, want);
          if (!(Math.abs(score.loss - want.loss) <= bound)) {
            throw new QuarryError('ENGINE_FAILED', 'a bf16 loss left its stated bound', { details: { error, bound } });
          }
          const flops = chunks * usefulFlops(config);
          const own = benchResult({
            bench: 'forward',
            case: `V1 width, ${layers} layers, ${chunks} chunk${chunks > 1 ? 's' : ''}`,
            engine: 'native',
            isa,
            precision: score.precision,
            threads,
            value: flops / seconds,
            unit: 'FLOP/s',
            limit,
            ratio: flops / seconds / limit,
            error,
            note: `${seconds.toFixed(3)} s a sample`,
          });
          const outcomes = onnx === undefined ? [] : [onnx, ...(await torchPeers(peerCase, precision))];
          yield* comparisons(own, seconds, flops, outcomes);
        }
      }
    }
  } finally {
    await weights?.close();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  }
}

interface NativeCase {
  readonly weights: WeightsFile;
  readonly config: ModelConfig;
  readonly sample: Uint8Array;
  readonly threads: number;
  readonly isa: IsaLevel;
  /** Where packed weights are kept. */
  readonly directory: string;
}

/**
 * Best time of scoring one sample, after one run to warm up, with the limit taken on both sides of it. Without that run
 * the disk would be timed: weights are mapped, and what ran before may have pushed them out of memory.
 *
 * @param repeats timed runs
 */
async function timeNative(
  precision: NativePrecision,
  { weights, config, sample, threads, isa, directory }: NativeCase,
  repeats: number,
  signal: AbortSignal | undefined,
): Promise<Timed> {
  const core = loadAddon();
  const options = { signal };
  const engine = createNativeScoringEngine({ precision, threads, isa, cacheDir: directory });
  const model = await engine.load(weights, config, options);
  try {
    await flushFolder(directory);
    const before = await fmaPeak(core, isa, precision, threads);
    let score: Score | undefined;
    let seconds = Infinity;
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const begin = performance.now();
      [score] = await model.score([sample], options);
      if (repeat > 0) seconds = Math.min(seconds, (performance.now() - begin) / 1000);
    }
    const limit = Math.max(before, await fmaPeak(core, isa, precision, threads));
    return { seconds, score: score!, bound: model.errorBound.loss, limit };
  } finally {
    await model.close();
  }
}
