import type { LoadedModel, Score, ScoreOptions, ScoringEngine } from '../engine/contract.js';
import { QuarryError } from '../errors/index.js';
import { type WeightsManifest, weightsIdentity } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import { openSafetensors } from '../weights/safetensors.js';
import type { WeightsFile } from '../weights/weights-file.js';

/** A model on this machine, loaded on first use. */
export class LocalModel {
  readonly #engine: ScoringEngine;
  readonly #path: string | undefined;
  readonly #checksum: string;
  readonly #config: ModelConfig;
  #model: Promise<LoadedModel> | undefined;

  constructor(engine: ScoringEngine, weights: WeightsFile, config: ModelConfig) {
    this.#engine = engine;
    this.#path = weights.path;
    this.#checksum = weights.checksum;
    this.#config = config;
  }

  /** Path of the plaintext; undefined for weights in memory. */
  get path(): string | undefined {
    return this.#path;
  }

  async score(samples: readonly Uint8Array[], options: ScoreOptions): Promise<Score[]> {
    return (await this.loaded()).score(samples, options);
  }

  /** @throws QuarryError `INVALID_ARGUMENT` when the weights are in memory only */
  loaded(): Promise<LoadedModel> {
    this.#model ??= this.#load().catch((error: unknown) => {
      // Let the next call retry.
      this.#model = undefined;
      throw error;
    });
    return this.#model;
  }

  async close(): Promise<void> {
    await (await this.#model?.catch(() => undefined))?.close();
  }

  async #load(): Promise<LoadedModel> {
    if (this.#path === undefined) throw new QuarryError('INVALID_ARGUMENT', 'weights in memory cannot be checked');
    const weights = await openSafetensors(this.#path, { checksum: this.#checksum });
    try {
      return await this.#engine.load(weights, this.#config);
    } finally {
      await weights.close();
    }
  }
}

/** The coordinator's models, for a scorer in the same process. */
export class LocalModels {
  readonly #models = new Map<string, LocalModel>();

  /** Weights identities of all models added, whether loaded yet or not. */
  get loaded(): readonly string[] {
    return [...this.#models.keys()];
  }

  get(identity: string): LocalModel | undefined {
    return this.#models.get(identity);
  }

  add(manifest: WeightsManifest, model: LocalModel): void {
    this.#models.set(weightsIdentity(manifest), model);
  }

  remove(manifest: WeightsManifest): void {
    this.#models.delete(weightsIdentity(manifest));
  }

  /** @throws QuarryError `NOT_FOUND` when the model is not this coordinator's */
  async use<T>(manifest: WeightsManifest, _: ModelConfig, work: (model: LoadedModel) => Promise<T>): Promise<T> {
    const model = this.#models.get(weightsIdentity(manifest));
    if (model === undefined) throw new QuarryError('NOT_FOUND', "the model is not this coordinator's");
    return work(await model.loaded());
  }
}
