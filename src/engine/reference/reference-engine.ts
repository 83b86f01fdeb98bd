import { throwIfAborted } from '../../errors/index.js';
import { assertModelConfig, type ModelConfig } from '../../weights/model-config.js';
import { assertFitsV1 } from '../../weights/v1-layout.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import type { GradientOptions, LoadedModel, Score, ScoreOptions, ScoringEngine } from '../contract.js';
import { byteGradient } from './backward/byte-gradient.js';
import { type Evaluation, evaluate } from './evaluate.js';
import { ProjectionCache } from './projection-cache.js';
import { readV1Weights } from './v1-model.js';

/** A model of the reference engine; shows what each batch contributed. */
export interface ReferenceModel extends LoadedModel {
  evaluate(sample: Uint8Array, options?: ScoreOptions): Promise<Evaluation>;
  byteGradient(sample: Uint8Array, direction: Float32Array, options?: GradientOptions): Promise<Float32Array>;
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
 * The oracle of every other engine: plain TypeScript, f32 storage, f64 accumulation, one thread. Runs anywhere; fast
 * enough for the small configuration, about a quarter of an hour per chunk for the full one.
 */
export function createReferenceEngine(): ReferenceEngine {
  const projections = new ProjectionCache();
  return {
    name: 'reference',
    device: 'cpu',
    precision: 'f32',
    async load(file, config, options = {}) {
      assertModelConfig(config);
      assertFitsV1(file, config);
      throwIfAborted(options.signal, 'loading weights');
      const weights = await readV1Weights(file, config);
      const run = (sample: Uint8Array, { seed = 0n, signal }: ScoreOptions = {}): Promise<Evaluation> =>
        evaluate(weights, config, sample, {
          seed,
          signal,
          projection: (noiseSeed) => projections.get(noiseSeed, config.embeddingDim),
        });
      return {
        config,
        errorBound: { loss: 0, distance: 0 },
        evaluate: run,
        async score(samples, scoreOptions) {
          const scores: Score[] = [];
          for (const sample of samples) {
            const { loss, embedding } = await run(sample, scoreOptions);
            scores.push({ loss, embedding, precision: 'f32' });
          }
          return scores;
        },
        async byteGradient(sample, direction, gradientOptions = {}) {
          return byteGradient(weights, config, sample, direction, gradientOptions.signal);
        },
        async close() {},
      };
    },
    async close() {},
  };
}
