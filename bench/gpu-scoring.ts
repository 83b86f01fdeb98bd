import path from 'node:path';
import type { LoadedModel, Score } from '../src/engine/contract.js';
import { createJsEngine } from '../src/engine/js/index.js';
import { createOnnxEngine } from '../src/engine/onnx/index.js';
import { QuarryError, toQuarryError } from '../src/errors/index.js';
import { generateWeights } from '../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { openSafetensors } from '../src/weights/safetensors.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import { breathe } from './breathe.js';
import { usefulFlops } from './forward.js';
import { sampleBytes } from './forward-model.js';
import type { GpuBenchSize } from './gpu.js';
import { type BenchResult, benchResult } from './result.js';
import { relativeError } from './score-error.js';

/** As wide as V1, two layers: every product's shape, 480 MB. */
const WIDE: ModelConfig = { ...MODEL_CONFIGS.v1, numLayers: 2 };
const SMALL: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 64 };
/** Tokens of a chunk that the reference follows. */
const CHECKED_TOKENS = 16;
const CHUNKS_PER_RUN = [1, 4, 16] as const;
const PASSES = 3;
const LARGEST_ERROR = { f32: 1e-4, f16: 2e-2 } as const;

/** Whole chunks under onnxruntime's WebGPU provider, in f32 and where the device has it in f16. */
export async function* gpuScoringCases(size: GpuBenchSize): AsyncIterable<BenchResult> {
  const config = size.small ? SMALL : WIDE;
  const file = path.join(size.directory, 'gpu.safetensors');
  await generateWeights(config, 1n, file, { signal: size.signal });
  const weights = await openSafetensors(file, { checksum: 'gpu' });
  try {
    const sample = sampleBytes(CHECKED_TOKENS + 1);
    const slice = { ...config, sequenceLength: CHECKED_TOKENS };
    const want = await scoreOf(await createJsEngine().load(weights, slice), sample);
    for (const precision of ['f32', 'f16'] as const) {
      try {
        const error = await errorOf(precision, weights, slice, sample, want);
        for (const chunks of size.small ? [1] : CHUNKS_PER_RUN) {
          await breathe(size.signal);
          yield await timeChunks(precision, chunks, error, weights, config, size);
        }
      } catch (error) {
        const known = toQuarryError(error, `scoring in ${precision}`);
        if (known.code !== 'ENGINE_UNAVAILABLE') throw known;
        yield benchResult({ ...caseOf(precision, config, 1), unit: 'FLOP/s', note: `skipped: ${known.message}` });
      }
    }
  } finally {
    await weights.close();
  }
}

type GpuPrecision = keyof typeof LARGEST_ERROR;

function caseOf(precision: GpuPrecision, config: ModelConfig, chunks: number) {
  const name = `width ${config.embeddingDim}, ${config.numLayers} layers, ${chunks} ${chunks > 1 ? 'chunks' : 'chunk'} at once`;
  return { bench: 'gpu', case: name, engine: 'onnx webgpu', precision };
}

async function load(precision: GpuPrecision, chunksPerRun: number, weights: WeightsFile, config: ModelConfig) {
  const engine = await createOnnxEngine({ provider: 'webgpu', precision, chunksPerRun });
  const model = await engine.load(weights, config);
  if (model.note === undefined) return model;
  await model.close();
  throw new QuarryError('ENGINE_UNAVAILABLE', model.note);
}

async function scoreOf(model: LoadedModel, sample: Uint8Array): Promise<Score> {
  const [score] = await model.score([sample]).finally(() => model.close());
  return score!;
}

async function errorOf(
  precision: GpuPrecision,
  weights: WeightsFile,
  slice: ModelConfig,
  sample: Uint8Array,
  want: Score,
): Promise<number> {
  const error = relativeError(await scoreOf(await load(precision, 1, weights, slice), sample), want);
  if (error <= LARGEST_ERROR[precision]) return error;
  throw new QuarryError('ENGINE_FAILED', `scores in ${precision} are wrong on this device`, { details: { error } });
}

async function timeChunks(
  precision: GpuPrecision,
  chunks: number,
  error: number,
  weights: WeightsFile,
  config: ModelConfig,
  { limits }: GpuBenchSize,
): Promise<BenchResult> {
  const model = await load(precision, chunks, weights, config);
  try {
    const sample = sampleBytes(chunks * config.sequenceLength);
    let seconds = Number.POSITIVE_INFINITY;
    for (let pass = 0; pass <= PASSES; pass++) {
      const began = performance.now();
      await model.score([sample]);
      if (pass > 0) seconds = Math.min(seconds, (performance.now() - began) / 1000);
    }
    const value = (chunks * usefulFlops(config)) / seconds;
    const limit = limits[precision] ?? limits.f32;
    return benchResult({
      ...caseOf(precision, config, chunks),
      ...{ value, unit: 'FLOP/s', limit, ratio: value / limit, error },
      note: `${(chunks / seconds).toPrecision(3)} chunks/s; the limit leaves matrix units out`,
    });
  } finally {
    await model.close();
  }
}
