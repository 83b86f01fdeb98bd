import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Score, ScoringEngine } from '../src/engine/contract.js';
import type { IsaLevel } from '../src/engine/engine-spec.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/engine/model-config.js';
import { loadNativeCore } from '../src/engine/native/core.js';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { createReferenceEngine } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import { generateWeights, generateWeightsBytes } from '../src/weights/generate.js';
import { openSafetensors, safetensorsFromBytes } from '../src/weights/safetensors.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import { fmaPeak } from './limits.js';
import { torchForwardSeconds } from './peers/torch.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Options of the forward bench. */
export interface ForwardBenchOptions extends BenchOptions {
  /** Layers of the V1-wide model. Default 2, which has every kernel's shape; 24 is the full model, a 4.84 GB file. */
  readonly layers?: number;
  /** Chunks of a sample to time. Default 1. */
  readonly chunks?: readonly number[];
  /** Level to run. Default: the best one. */
  readonly isa?: IsaLevel;
  /** Where the generated weights and their packed forms go; kept, so that a second run finds them. Default: a temporary
   * folder, removed at the end. */
  readonly directory?: string;
  /** Times the peers as well. Default true. */
  readonly peers?: boolean;
  readonly repeats?: number;
  /** Python interpreter that may import PyTorch. Default `python3`. */
  readonly python?: string;
}

/** FLOPs a chunk needs, a multiply-add counted as two, masked scores not counted. */
export function usefulFlops(config: ModelConfig): number {
  const { embeddingDim: e, hiddenDim: h, numLayers: l, vocabSize: v, sequenceLength: t } = config;
  return l * (8 * e * e * t + 4 * e * h * t + 4 * e * ((t * (t + 1)) / 2)) + 2 * e * v * t + 2 * e * 256 * t;
}

function sampleBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + 7 + Math.floor(i / 256) * 13) % 256);
}

/** The larger of the relative errors of loss and embedding. */
function relativeError(got: Score, want: Score): number {
  let difference = 0;
  let size = 0;
  for (const [i, x] of want.embedding.entries()) {
    difference += (got.embedding[i]! - x) ** 2;
    size += x * x;
  }
  return Math.max(Math.abs(got.loss / want.loss - 1), Math.sqrt(difference / size));
}

/** f32 against the reference on a model it can score in a second. Nothing is timed before it holds. */
async function checkAgainstReference(isa: IsaLevel | undefined): Promise<number> {
  const config: ModelConfig = { ...MODEL_CONFIGS.medium, numLayers: 1, sequenceLength: 64 };
  const weights = (): WeightsFile => safetensorsFromBytes(generateWeightsBytes(config, 1n));
  const engine = createNativeScoringEngine({ precision: 'f32', ...(isa !== undefined && { isa }) });
  const sample = [sampleBytes(65)];
  const [got] = await (await engine.load(weights(), config)).score(sample);
  const [want] = await (await createReferenceEngine().load(weights(), config)).score(sample);
  const error = relativeError(got!, want!);
  if (!(error <= 1e-5)) {
    throw new QuarryError('ENGINE_FAILED', 'native scores differ from the reference', { facts: { error } });
  }
  return error;
}

/** Best seconds of scoring one sample, after one run to warm up. */
async function timeScore(
  engine: ScoringEngine,
  weights: WeightsFile,
  config: ModelConfig,
  sample: Uint8Array,
  repeats: number,
  signal: AbortSignal | undefined,
): Promise<{ seconds: number; score: Score; bound: number }> {
  const model = await engine.load(weights, config, signal === undefined ? {} : { signal });
  try {
    let best = Infinity;
    let score: Score | undefined;
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const begin = performance.now();
      [score] = await model.score([sample], signal === undefined ? {} : { signal });
      if (repeat > 0) best = Math.min(best, (performance.now() - begin) / 1000);
    }
    return { seconds: best, score: score!, bound: model.errorBound.loss };
  } finally {
    await model.close();
  }
}

/**
 * Whole chunks through a model as wide as the full V1, against the peak of fused multiply-adds. Values are useful FLOPs
 * per second: masked attention scores, which the reference computes, do not count.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the native core is not built
 * @throws QuarryError `ENGINE_FAILED` when scores are wrong: nothing is timed that does not compute
 */
export async function* run(options: ForwardBenchOptions = {}): AsyncIterable<BenchResult> {
  const core = loadNativeCore();
  const { best, cpus } = core.capabilities();
  const { signal, peers = !options.quick, isa = best } = options;
  const config: ModelConfig = { ...MODEL_CONFIGS.v1, numLayers: options.layers ?? (options.quick ? 1 : 2) };
  const repeats = options.repeats ?? (options.quick ? 1 : 4);
  const threadCounts = options.threads ?? [...new Set([1, cpus])];
  const directory = options.directory ?? path.join(tmpdir(), `quarry-bench-${process.pid}`);
  const f32Error = await checkAgainstReference(isa);
  await mkdir(directory, { recursive: true });
  let weights: WeightsFile | undefined;
  try {
    const file = path.join(directory, `v1-${config.numLayers}-layers.safetensors`);
    try {
      await generateWeights(config, 1n, file, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!(error instanceof QuarryError && error.code === 'ALREADY_EXISTS')) throw error;
    }
    // The name stands for the content: both are made here.
    weights = await openSafetensors(file, { checksum: `bench1v1x${config.numLayers}` });
    for (const threads of threadCounts) {
      for (const chunks of options.chunks ?? [1]) {
        const sample = sampleBytes(chunks * config.sequenceLength);
        const name = `V1 width, ${config.numLayers} layers, ${chunks} chunk${chunks > 1 ? 's' : ''}`;
        const flops = chunks * usefulFlops(config);
        const peer = peers
          ? await onnxSeconds(weights, config, sample, threads, repeats, signal)
          : { skipped: 'not asked' };
        let f32Score: Score | undefined;
        for (const precision of isa === 'avx512bf16' ? (['f32', 'bf16'] as const) : (['f32'] as const)) {
          signal?.throwIfAborted();
          const engine = createNativeScoringEngine({ precision, threads, isa, cacheDir: directory });
          const before = await fmaPeak(core, isa, precision, threads);
          const { seconds, score, bound } = await timeScore(engine, weights, config, sample, repeats, signal);
          const limit = Math.max(before, await fmaPeak(core, isa, precision, threads));
          const error = precision === 'f32' ? f32Error : relativeError(score, f32Score!);
          if (precision === 'f32') f32Score = score;
          else if (!(Math.abs(score.loss - f32Score!.loss) <= bound)) {
            throw new QuarryError('ENGINE_FAILED', 'a bf16 loss left its stated bound', { facts: { error, bound } });
          }
          yield benchResult({
            bench: 'forward',
            case: name,
            engine: 'native',
            isa,
            precision: score.precision,
            threads,
            value: flops / seconds,
            unit: 'FLOP/s',
            limit,
            ratio: flops / seconds / limit,
            error,
            peer: 'seconds' in peer ? 'onnxruntime-node cpu f32' : null,
            peerRatio: 'seconds' in peer ? peer.seconds / seconds : null,
            note: `${seconds.toFixed(3)} s a sample${'skipped' in peer ? `; peer skipped: ${peer.skipped}` : ''}`,
          });
          if (peers && chunks === 1)
            yield await torchResult(name, config, precision, threads, repeats, seconds, options.python);
        }
      }
    }
  } finally {
    await weights?.close();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  }
}

async function onnxSeconds(
  weights: WeightsFile,
  config: ModelConfig,
  sample: Uint8Array,
  threads: number,
  repeats: number,
  signal: AbortSignal | undefined,
): Promise<{ seconds: number } | { skipped: string }> {
  try {
    const { createOnnxEngine } = await import('../src/engine/onnx/index.js');
    return await timeScore(await createOnnxEngine({ threads }), weights, config, sample, Math.min(2, repeats), signal);
  } catch (error) {
    return { skipped: error instanceof Error ? error.message : String(error) };
  }
}

async function torchResult(
  name: string,
  config: ModelConfig,
  precision: 'f32' | 'bf16',
  threads: number,
  repeats: number,
  nativeSeconds: number,
  python: string | undefined,
): Promise<BenchResult> {
  const peer = await torchForwardSeconds(config, precision, threads, repeats, python);
  const fields = { bench: 'forward', case: name, engine: 'pytorch', precision, threads, unit: 'FLOP/s' } as const;
  if ('skipped' in peer) return benchResult({ ...fields, note: `skipped: ${peer.skipped}` });
  return benchResult({
    ...fields,
    engine: `pytorch ${peer.version}`,
    value: usefulFlops(config) / peer.seconds,
    peer: 'native',
    peerRatio: nativeSeconds / peer.seconds,
    note: `${peer.seconds.toFixed(3)} s a sample`,
  });
}
