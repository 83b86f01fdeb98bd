import { throwIfAborted } from '../../errors/index.js';
import { assertModelConfig, type ModelConfig } from '../../weights/model-config.js';
import { assertFitsV1 } from '../../weights/v1-layout.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import type { LoadedModel, Score, ScoreOptions, ScoringEngine } from '../contract.js';
import { negativeLogLikelihood } from './cross-entropy.js';
import { type ChunkModel, type Evaluation, evaluate } from './evaluate.js';
import { linear } from './linear.js';
import { batchProjection, sigRegSum } from './sig-reg.js';
import { encode, readV1Weights, type V1Weights } from './v1-model.js';

/** A model of the reference engine, with per-batch evaluation. */
export interface ReferenceModel extends LoadedModel {
  /**
   * Scores one sample and returns the contribution of each batch.
   *
   * @throws QuarryError `DATA_EMPTY` for a sample of no bytes
   */
  evaluate(sample: Uint8Array, options?: ScoreOptions): Promise<Evaluation>;
}

/** The reference engine, with its own type of loaded model. */
export interface ReferenceEngine extends ScoringEngine {
  load(
    weights: WeightsFile,
    config: ModelConfig,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<ReferenceModel>;
}

/**
 * The oracle for all other engines: the protocol's formulas as plain loops, with f32 storage and f64 accumulation,
 * single-threaded. Written for readability; the `js` engine computes the same several times as fast.
 */
export function createReferenceEngine(): ReferenceEngine {
  return {
    name: 'reference',
    device: 'cpu',
    precision: 'f32',
    async load(file, config, options) {
      const { model } = await loadV1(file, config, {
        ...options,
        projection: (seed) => batchProjection(seed, config.embeddingDim),
        kernels: (weights) => ({
          config,
          representations: ({ tokens, positions }) => encode(weights, tokens, positions, config.numHeads),
          negativeLogLikelihood: (r, targets) => negativeLogLikelihood(linear(r, weights.predictor), targets),
          sigReg: sigRegSum,
        }),
      });
      return model;
    },
    async close() {},
  };
}

/** Options of {@link loadV1}. */
export interface LoadV1Options {
  readonly kernels: (weights: V1Weights) => ChunkModel;
  /** The normalised SIGReg projection of a noise seed, `[E, 256]`. */
  readonly projection: (seed: bigint) => Float32Array;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a model into memory as a {@link ReferenceModel}.
 *
 * @throws QuarryError `WEIGHTS_INVALID` when the file does not fit the configuration
 */
export async function loadV1(
  file: WeightsFile,
  config: ModelConfig,
  { kernels, projection, signal }: LoadV1Options,
): Promise<{ readonly weights: V1Weights; readonly model: ReferenceModel }> {
  assertModelConfig(config);
  assertFitsV1(file, config);
  throwIfAborted(signal, 'loading weights');
  const weights = await readV1Weights(file, config);
  const chunks = kernels(weights);
  const run = (sample: Uint8Array, options: ScoreOptions = {}): Promise<Evaluation> =>
    evaluate(chunks, sample, { seed: options.seed ?? 0n, signal: options.signal, projection });
  const model: ReferenceModel = {
    config,
    errorBound: { loss: 0, distance: 0 },
    evaluate: run,
    async score(samples, options) {
      const scores: Score[] = [];
      for (const sample of samples) {
        const { loss, embedding } = await run(sample, options);
        scores.push({ loss, embedding, precision: 'f32' });
      }
      return scores;
    },
    async close() {},
  };
  return { weights, model };
}
