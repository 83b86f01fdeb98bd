import { join } from 'node:path';
import type { Config } from '../config/index.js';
import { type ChosenEngine, chooseEngine } from '../engine/choose-engine.js';
import type { ScoringEngine } from '../engine/contract.js';
import { ModelShelf, type ModelShelfDeps } from '../fleet/index.js';
import { STATE_ENTRIES } from '../miner/state/state-entries.js';
import { HttpClient, PUBLIC_AND_LOOPBACK, PUBLIC_ONLY } from '../net/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import { WeightsCache } from '../weights/weights-cache.js';
import type { CliContext } from './context.js';
import { engineOptions } from './mining/miner-settings.js';
import { speedFileOf } from './state-dir.js';

/** Models fetched and loaded on this machine on demand. */
export interface LocalModels {
  readonly models: ModelShelf;
  /** Client for untrusted URLs, restricted by the address policy. */
  readonly http: HttpClient;
  close(): Promise<void>;
}

/** Options for local models. */
export interface LocalModelsOptions extends Pick<ModelShelfDeps, 'nearby' | 'onWithdrawn'> {
  /** Whether manifests may use loopback addresses. */
  readonly loopback: boolean;
  /** Called with the chosen engine at the first model of each shape. */
  readonly onEngine: (chosen: ChosenEngine) => void;
  /** Wraps the local engine; the result serves models of all shapes. */
  readonly overEngine?: ((local: ScoringEngine) => Promise<ScoringEngine>) | undefined;
}

/**
 * Opens a shelf of models below a directory.
 */
export function openLocalModels(
  context: CliContext,
  config: Config,
  stateDir: string,
  { loopback, nearby, onWithdrawn, onEngine, overEngine }: LocalModelsOptions,
): LocalModels {
  const http = new HttpClient({ addressPolicy: loopback ? PUBLIC_AND_LOOPBACK : PUBLIC_ONLY });
  const engines = new Map<string, Promise<ChosenEngine>>();
  const engineFor = async (shape: ModelConfig) => {
    // Compare by value, as each model on the wire has its own copy of the configuration.
    const key = overEngine === undefined ? JSON.stringify(shape) : 'all';
    const chosen =
      engines.get(key) ??
      chooseEngine(
        {
          ...engineOptions(config),
          cacheDir: join(stateDir, STATE_ENTRIES.packed),
          speedFile: speedFileOf(config, context.env),
          signal: context.signal,
        },
        shape,
      ).then(async (engine) => {
        onEngine(engine);
        return overEngine === undefined ? engine : { ...engine, engine: await overEngine(engine.engine) };
      });
    engines.set(key, chosen);
    chosen.catch(() => engines.delete(key));
    return (await chosen).engine;
  };
  const weights = new WeightsCache({ dir: join(stateDir, STATE_ENTRIES.weights) }, { http });
  const models = new ModelShelf(
    { most: config.maxModels },
    { weights, engineFor, nearby, onWithdrawn, signal: context.signal },
  );
  return {
    models,
    http,
    close: async () => {
      await models.close();
      for (const engine of engines.values()) await (await engine.catch(() => undefined))?.engine.close();
      await http.close();
    },
  };
}
