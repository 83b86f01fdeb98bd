import type { ModelConfig } from '../../weights/model-config.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import type { GradientOptions, MixtureGoal, MixtureGradient, ScoringEngine } from '../contract.js';
import { negativeLogLikelihood } from '../reference/cross-entropy.js';
import { loadV1, type ReferenceModel } from '../reference/reference-engine.js';
import { encode } from '../reference/v1-model.js';
import { byteGradient } from './backward/byte-gradient.js';
import { mixtureGradient } from './backward/mixture-gradient.js';
import { linear } from './linear.js';
import { JS_PRODUCTS } from './products.js';
import { ProjectionCache } from './projection-cache.js';
import { sigRegSum } from './sig-reg.js';

/** A model of the JavaScript engine, with per-batch evaluation and a backward pass. */
export interface JsModel extends ReferenceModel {
  byteGradient(sample: Uint8Array, direction: Float32Array, options?: GradientOptions): Promise<Float32Array>;
  mixtureGradient(mixture: Float32Array, goal: MixtureGoal, options?: GradientOptions): Promise<MixtureGradient>;
}

/** The JavaScript engine, with its own type of loaded model. */
export interface JsEngine extends ScoringEngine {
  load(
    weights: WeightsFile,
    config: ModelConfig,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<JsModel>;
}

/**
 * The portable engine: the reference's formulas in loops that run several times as fast in V8, single-threaded. Fast
 * enough for the small configuration; a chunk of the full one takes about 15 minutes.
 */
export function createJsEngine(): JsEngine {
  const projections = new ProjectionCache();
  return {
    name: 'js',
    device: 'cpu',
    precision: 'f32',
    async load(file, config, options) {
      const { weights, model } = await loadV1(file, config, {
        ...options,
        projection: (seed) => projections.get(seed, config.embeddingDim),
        kernels: (v1) => ({
          config,
          representations: ({ tokens, positions }) => encode(v1, tokens, positions, config.numHeads, JS_PRODUCTS),
          negativeLogLikelihood: (r, targets) => negativeLogLikelihood(linear(r, v1.predictor), targets),
          sigReg: sigRegSum,
        }),
      });
      return {
        ...model,
        async byteGradient(sample, direction, gradientOptions = {}) {
          return byteGradient(weights, config, sample, direction, gradientOptions.signal);
        },
        async mixtureGradient(mixture, goal, gradientOptions = {}) {
          return mixtureGradient(weights, config, mixture, goal, gradientOptions.signal);
        },
      };
    },
    async close() {},
  };
}
