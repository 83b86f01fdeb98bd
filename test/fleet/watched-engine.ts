import type { ErrorBound, LoadedModel, Score, ScoringEngine } from '../../src/engine/index.js';
import { f32Engine } from './f32-engine.js';

/** One call of an engine. */
export interface WatchedCall {
  readonly samples: number;
  readonly precision: 'f32' | undefined;
}

/** What a watched engine claims. */
export interface Claims {
  /** How far a model may err, by the checksum of its weights. */
  readonly boundOf?: (checksum: string) => ErrorBound;
  /** Changes what the engine made of one sample in its own precision. */
  readonly change?: (score: Score) => Score;
}

/** The native engine in f32, watched: it waits for what it calls; it may claim to be worse than it is. */
export function watched(
  onCall: (call: WatchedCall) => Promise<unknown> | unknown,
  { boundOf, change }: Claims = {},
): ScoringEngine {
  const engine = f32Engine();
  return {
    name: engine.name,
    device: engine.device,
    precision: engine.precision,
    close: () => engine.close(),
    load: async (weights, config) => {
      const model: LoadedModel = await engine.load(weights, config);
      return {
        config,
        errorBound: boundOf?.(weights.checksum) ?? model.errorBound,
        close: () => model.close(),
        score: async (samples, options = {}) => {
          await onCall({ samples: samples.length, precision: options.precision });
          const scores = await model.score(samples, options);
          return options.precision === 'f32' || change === undefined ? scores : scores.map(change);
        },
      };
    },
  };
}
