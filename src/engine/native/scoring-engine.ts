import { QuarryError, throwIfAborted } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { loadAddon, type NativeAddon, type NativeModel, type NativePrecision } from '../../native/addon.js';
import { chooseIsa, multipliesBf16 } from '../../native/capabilities.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { runJob } from '../../native/run-job.js';
import { assertModelConfig, type ModelConfig } from '../../weights/model-config.js';
import { assertFitsV1 } from '../../weights/v1-layout.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import {
  boundOf,
  CALIBRATION_TOKENS,
  calibrationSamples,
  readBound,
  scoreError,
  writeBound,
} from '../calibration/error-bound.js';
import type { ErrorBound, ScoringEngine } from '../contract.js';
import { NativeLoadedModel, needsFullPrecision } from './loaded-model.js';
import { tensorPlaces, weightsSource } from './weights-source.js';

/** Options of {@link createNativeScoringEngine}. */
export interface NativeScoringOptions {
  /** Threads per score call. Default: all processors available to this process. */
  readonly threads?: number | undefined;
  /** Instruction-set level. Default: the highest available. */
  readonly isa?: IsaLevel | undefined;
  /**
   * `auto` uses bf16 if the level multiplies it in hardware and the model is wide enough to benefit. Default `auto`.
   */
  readonly precision?: 'auto' | NativePrecision | undefined;
  /** Directory for packed weights and error bounds. Default: none, weights are packed in memory at every load. */
  readonly cacheDir?: string | undefined;
}

/** The native engine, with its own type of loaded model. */
export interface NativeScoringEngine extends ScoringEngine {
  readonly isa: IsaLevel;
  readonly threads: number;
  load(
    weights: WeightsFile,
    config: ModelConfig,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<NativeLoadedModel>;
}

/** Narrower models use f32: products are a small part of their time, so bf16 gains little and costs accuracy. */
const NARROWEST_BF16 = 128;

/**
 * The native CPU engine. Weights are packed once, cached on disk and mapped by all processes that use them.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or the requested level is unavailable
 * @throws QuarryError `INVALID_ARGUMENT` when `threads` is not a positive integer
 */
export function createNativeScoringEngine(options: NativeScoringOptions = {}): NativeScoringEngine {
  const core = loadAddon();
  const { usable, best, cpus } = core.capabilities();
  const isa = chooseIsa(options.isa, usable, best);
  const threads = options.threads ?? cpus;
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > 1024) {
    throw new QuarryError('INVALID_ARGUMENT', `"threads" expected 1 to 1024, got ${threads}`);
  }
  const asked = options.precision ?? 'auto';
  const precision = asked === 'auto' ? (multipliesBf16(isa) ? 'bf16' : 'f32') : asked;
  const precisionFor = (config: ModelConfig): NativePrecision =>
    asked === 'auto' && config.embeddingDim < NARROWEST_BF16 ? 'f32' : precision;
  return {
    name: 'native',
    device: `cpu ${isa}`,
    precision,
    isa,
    threads,
    async load(weights, config, { signal } = {}) {
      assertModelConfig(config);
      assertFitsV1(weights, config);
      throwIfAborted(signal, 'loading weights');
      const { cacheDir = '' } = options;
      if (cacheDir !== '') makeDirectory(cacheDir);
      const use = precisionFor(config);
      const source = await weightsSource(weights, config);
      const checksum = fileNameOf(weights.checksum);
      const model = core.createModel({
        ...nativeShape(config),
        isa,
        threads,
        path: source.path,
        tensors: source.tensors,
        cacheDir,
        checksum,
      });
      try {
        await runJob(core.prepareModel(model, use), 'packing weights', signal);
        if (weights.path === undefined) {
          // Weights from memory: also pack f32 for fallbacks now, so that the temporary file can be removed.
          await runJob(core.prepareModel(model, 'f32'), 'packing weights', signal);
          await source.close();
        }
        const bound =
          use === 'bf16'
            ? await bf16Bound(core, model, cacheDir, `${checksum}-bf16-${isa}-${config.numHeads}`, signal)
            : undefined;
        return new NativeLoadedModel({
          core,
          model,
          config,
          precision: bound === undefined ? 'f32' : 'bf16',
          errorBound: bound ?? { loss: 0, distance: 0 },
          onClose: source.close,
        });
      } catch (error) {
        core.closeModel(model);
        await source.close();
        throw error;
      }
    },
    packing(config) {
      const { cacheDir } = options;
      if (cacheDir === undefined) return undefined;
      return {
        async prepare(tensors, checksum) {
          assertFitsV1({ tensors }, config);
          makeDirectory(cacheDir);
          const places = tensorPlaces(tensors, config);
          const name = fileNameOf(checksum);
          return {
            ...nativeShape(config),
            isa,
            precision: precisionFor(config),
            tensors: places,
            cacheDir,
            checksum: name,
          };
        },
      };
    },
    async close() {},
  };
}

function nativeShape(config: ModelConfig) {
  return {
    embedding: config.embeddingDim,
    heads: config.numHeads,
    layers: config.numLayers,
    hidden: config.hiddenDim,
    vocabulary: config.vocabSize,
    tokens: config.sequenceLength,
    batch: config.batchSize,
  };
}

/** Makes a checksum safe as a file name: callers may pass ids that are not hex. */
function fileNameOf(checksum: string): string {
  return checksum.replaceAll(/[^0-9A-Za-z]/g, '_').slice(0, 100);
}

/** Error bound of bf16 scores; undefined if bf16 cannot score the model at all. */
async function bf16Bound(
  core: NativeAddon,
  model: NativeModel,
  cacheDir: string,
  key: string,
  signal: AbortSignal | undefined,
): Promise<ErrorBound | undefined> {
  const kept = cacheDir === '' ? undefined : await readBound(cacheDir, key);
  if (kept !== undefined) return kept;
  const samples = calibrationSamples();
  const low = await runJob(core.scoreModel(model, samples, 0n, 'bf16', CALIBRATION_TOKENS), 'calibrating', signal);
  const full = await runJob(core.scoreModel(model, samples, 0n, 'f32', CALIBRATION_TOKENS), 'calibrating', signal);
  // Ignore samples that would be scored again in f32 anyway.
  const errors = low.flatMap((score, i) => (needsFullPrecision(score) ? [] : [scoreError(score, full[i]!)]));
  if (errors.length === 0) return undefined;
  const bound = boundOf(errors);
  if (!Number.isFinite(bound.loss + bound.distance)) return undefined;
  if (cacheDir !== '') await writeBound(cacheDir, key, bound);
  return bound;
}
