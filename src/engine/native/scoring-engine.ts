import { mkdir } from 'node:fs/promises';
import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
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
  /** Threads of one score call. Default: all processors this process may use. */
  readonly threads?: number | undefined;
  /** Instruction-set level. Default: the highest this processor has. */
  readonly isa?: IsaLevel | undefined;
  /** `auto` takes bf16 where the level multiplies it in hardware and the model is wide enough to gain. Default `auto`. */
  readonly precision?: 'auto' | NativePrecision | undefined;
  /** Where packed weights and measured error bounds are kept. Absent: packed in memory at every load. */
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

/** Narrower models take f32: products are a small part of their time, so bf16 gains little and costs accuracy. */
const NARROWEST_BF16 = 128;

/**
 * Scores on the processor at the speed of its multiply-adds. Weights are packed once, kept on disk and mapped by every
 * process that scores with them.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built or the level asked for cannot run here
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
      if (cacheDir !== '') await createCacheDir(cacheDir);
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
          // Weights from memory: pack what a fallback would need now, so that the temporary file can go at once.
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
          await createCacheDir(cacheDir);
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

/** A checksum names files; anything but hex comes from a caller's own naming. */
function fileNameOf(checksum: string): string {
  return checksum.replaceAll(/[^0-9A-Za-z]/g, '_').slice(0, 100);
}

async function createCacheDir(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true }).catch((error: unknown) => {
    throw toQuarryError(error, 'creating the weights cache');
  });
}

/** The bound of bf16 scores; undefined for a model that bf16 cannot score at all. */
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
  // Samples that would be scored again in f32 say nothing about those that would not.
  const errors = low.flatMap((score, i) => (needsFullPrecision(score) ? [] : [scoreError(score, full[i]!)]));
  if (errors.length === 0) return undefined;
  const bound = boundOf(errors);
  if (!Number.isFinite(bound.loss + bound.distance)) return undefined;
  if (cacheDir !== '') await writeBound(cacheDir, key, bound);
  return bound;
}
