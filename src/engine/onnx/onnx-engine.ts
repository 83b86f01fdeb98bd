import type * as Ort from 'onnxruntime-node';
import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { assertModelConfig, type ModelConfig } from '../../weights/model-config.js';
import { assertFitsV1 } from '../../weights/v1-layout.js';
import type { ErrorBound, LoadedModel, Score, ScoreOptions, ScoringEngine } from '../contract.js';
import { ProjectionCache } from '../js/projection-cache.js';
import { assertOnnxDevice, providerEntry } from './devices.js';
import { halfBound, needsFullPrecision } from './half-bound.js';
import { type HalfWeights, openHalfWeights } from './half-weights.js';
import { PROVIDER_BOUNDS, providerOf } from './providers.js';
import { type OnnxScore, scoreSample } from './score-sample.js';
import { openSession, type SessionParts } from './session.js';

/** Options of {@link createOnnxEngine}. */
export interface OnnxEngineOptions {
  /** Threads per operation. Default: onnxruntime's choice, one per core. */
  readonly threads?: number | undefined;
  /** Default `cpu`. */
  readonly provider?: string | undefined;
  /** Device of the provider, by index. Default: its first. */
  readonly device?: number | undefined;
  /** Number format of the layers' products. Default `f32`. */
  readonly precision?: 'f32' | 'f16' | undefined;
  /** Directory for f16 matrices and error bounds. Default: none, they are computed at every load. */
  readonly cacheDir?: string | undefined;
  /** Chunks per run. More suit a GPU but take more memory, 1 GB each at the full size. Default 1. */
  readonly chunksPerRun?: number | undefined;
  /**
   * Lets onnxruntime keep a rearranged copy of all weights in memory. Default false: the mapped file is used directly,
   * which loads at once and is shared by all processes.
   */
  readonly prepack?: boolean | undefined;
}

/** Largest acceptable bounds of f16: the network's audit allows 1 %. */
const ACCEPTABLE: ErrorBound = { loss: 0.01, distance: 0.01 };

/**
 * A scoring engine on onnxruntime, an optional peer dependency. Builds the graph at load and maps weights from the
 * safetensors file.
 *
 * f16 speeds up the layers' products on many GPUs. Its range ends at 65,504: a model whose weights do not fit, or whose
 * measured error is too large, is scored in f32, with the reason in `note`. A sample that overflows is scored again in
 * f32.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when onnxruntime-node, the provider or the device is missing, with the
 *   reason
 */
export async function createOnnxEngine(options: OnnxEngineOptions = {}): Promise<ScoringEngine> {
  const provider = providerOf(options.provider ?? 'cpu');
  const ort = await loadOnnxRuntime();
  const supported = ort.listSupportedBackends().map(({ name }) => name);
  if (!supported.includes(provider)) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `this onnxruntime has no provider "${provider}"`, {
      hint: `Choose one of ${supported.join(', ')}.`,
    });
  }
  const { threads, prepack, device, precision = 'f32' } = options;
  if (device !== undefined) assertOnnxDevice(provider, device);
  const projections = new ProjectionCache();
  return {
    name: `onnx ${provider}`,
    device: typeof providerEntry(provider, device) === 'string' ? provider : `${provider} ${device}`,
    precision,
    async load(weights, config, { signal } = {}) {
      assertModelConfig(config);
      assertFitsV1(weights, config);
      throwIfAborted(signal, 'loading weights');
      const parts: SessionParts = { ort, weights, config, provider, device, threads, prepack };
      const scorer = { ort, projections, chunksPerRun: options.chunksPerRun ?? 1 };
      const full = new FullSession(parts);
      const run = async (
        session: Ort.InferenceSession,
        sample: Uint8Array,
        scoreOptions: ScoreOptions,
      ): Promise<OnnxScore> => scoreSample({ ...scorer, session, config }, sample, scoreOptions);
      const inFull = async (sample: Uint8Array, scoreOptions: ScoreOptions): Promise<Score> => {
        const { loss, embedding } = await run(await full.open(), sample, scoreOptions);
        return { loss, embedding, precision: 'f32' };
      };
      const half = precision === 'f16' ? await openHalf(parts, scorer, options.cacheDir, signal) : undefined;
      if (half === undefined || 'refused' in half) {
        await full.open();
        const note = half === undefined ? {} : { note: half.refused };
        return model(config, PROVIDER_BOUNDS[provider], inFull, () => full.close(), note);
      }
      const { session, bound, close } = half;
      const inHalf = async (sample: Uint8Array, scoreOptions: ScoreOptions): Promise<Score> => {
        if (scoreOptions.precision === 'f32') return inFull(sample, scoreOptions);
        const score = await run(session, sample, scoreOptions);
        if (needsFullPrecision(score)) return inFull(sample, scoreOptions);
        return { loss: score.loss, embedding: score.embedding, precision: 'f16' };
      };
      const release = async (): Promise<void> => {
        await full.close();
        await close();
      };
      return model(config, bound, inHalf, release, {});
    },
    async close() {},
  };
}

async function loadOnnxRuntime(): Promise<typeof Ort> {
  // Since 1.30 it sends usage telemetry on Linux too, unless disabled before it is loaded.
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new QuarryError('ENGINE_UNAVAILABLE', 'onnxruntime-node is not installed or does not load here', {
      hint: 'quarry setup gpu says what to install, for this machine',
      cause: error,
    });
  }
}

/** The f32 session, started on first use; with f16 that is for a near-tie or an overflow. */
class FullSession {
  readonly #parts: SessionParts;
  #session: Promise<Ort.InferenceSession> | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  open(): Promise<Ort.InferenceSession> {
    this.#session ??= openSession(this.#parts).catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }

  async close(): Promise<void> {
    await (await this.#session)?.release();
  }
}

interface HalfSession {
  readonly session: Ort.InferenceSession;
  readonly bound: ErrorBound;
  close(): Promise<void>;
}

/** Opens the f16 session, or returns the reason to use f32. */
async function openHalf(
  parts: SessionParts,
  scorer: Parameters<typeof halfBound>[1],
  cacheDir: string | undefined,
  signal: AbortSignal | undefined,
): Promise<HalfSession | { readonly refused: string }> {
  const { weights, config, provider } = parts;
  const half = await openHalfWeights(weights, config, cacheDir, signal);
  if ('refused' in half) return { refused: `f32 instead of f16: ${half.refused}` };
  try {
    const key = `${weights.checksum.replaceAll(/[^0-9A-Za-z]/g, '_').slice(0, 100)}-f16-onnx-${provider}-${config.numHeads}`;
    const measured = await halfBound(parts, scorer, half, cacheDir === undefined ? undefined : { dir: cacheDir, key });
    const refused = 'refused' in measured ? measured.refused : excessOf(measured);
    if (refused !== undefined || 'refused' in measured) {
      await half.close();
      return { refused: `f32 instead of f16: ${refused}` };
    }
    const own = PROVIDER_BOUNDS[provider];
    const bound = { loss: measured.loss + own.loss, distance: measured.distance + own.distance };
    const session = await openSession(parts, half);
    return { session, bound, close: () => closeHalf(session, half) };
  } catch (error) {
    await half.close();
    throw error;
  }
}

/** Describes by how much an error bound is too large; undefined if acceptable. */
function excessOf(bound: ErrorBound): string | undefined {
  if (bound.loss <= ACCEPTABLE.loss && bound.distance <= ACCEPTABLE.distance) return undefined;
  const [loss, distance] = [bound.loss, bound.distance].map((value) => value.toPrecision(2));
  return `its error would be up to ${loss} in the loss and ${distance} in the distance`;
}

async function closeHalf(session: Ort.InferenceSession, half: HalfWeights): Promise<void> {
  await session.release();
  await half.close();
}

function model(
  config: ModelConfig,
  errorBound: ErrorBound,
  scoreOne: (sample: Uint8Array, options: ScoreOptions) => Promise<Score>,
  close: () => Promise<void>,
  more: Pick<LoadedModel, 'note'>,
): LoadedModel {
  return {
    config,
    errorBound,
    ...more,
    async score(samples, options = {}) {
      const scores: Score[] = [];
      for (const sample of samples) {
        try {
          scores.push(await scoreOne(sample, options));
        } catch (error) {
          const known = toQuarryError(error, 'scoring with onnxruntime');
          if (known.code !== 'INTERNAL') throw known;
          throw new QuarryError('ENGINE_FAILED', known.message, { cause: error });
        }
      }
      return scores;
    },
    close,
  };
}
