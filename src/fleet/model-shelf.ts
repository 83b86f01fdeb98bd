import type { LoadedModel, ScoringEngine } from '../engine/contract.js';
import type { DownloadSource } from '../net/index.js';
import { assertPlausibleSize } from '../weights/assert-plausible-size.js';
import { type WeightsManifest, weightsIdentity } from '../weights/manifest.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { WeightsCache } from '../weights/weights-cache.js';

export interface ModelShelfOptions {
  /** Models kept loaded; the least recently used is evicted. */
  readonly most: number;
}

export interface ModelShelfDeps {
  readonly weights: WeightsCache;
  /** Returns the engine for models of this shape; called on each load. */
  readonly engineFor: (config: ModelConfig) => Promise<ScoringEngine>;
  /** Streams the encrypted weights from a nearby source, tried first. */
  readonly nearby?: ((manifest: WeightsManifest, signal?: AbortSignal) => AsyncIterable<Uint8Array>) | undefined;
  /** Called when returned scores turn out to be wrong, with the BLAKE2b-256 checksums of their samples. */
  readonly onWithdrawn?: ((manifest: WeightsManifest, checksums: readonly Uint8Array[]) => void) | undefined;
  /** Aborts downloads. */
  readonly signal?: AbortSignal | undefined;
}

interface Shelved {
  readonly model: Promise<LoadedModel>;
  users: number;
}

/** An LRU cache of loaded models: downloads, verifies and packs on demand. */
export class ModelShelf {
  readonly #options: ModelShelfOptions;
  readonly #deps: ModelShelfDeps;
  /** By weights identity, least recently used first. */
  readonly #shelf = new Map<string, Shelved>();

  constructor(options: ModelShelfOptions, deps: ModelShelfDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Weights identities of models that are loaded or loading. */
  get loaded(): readonly string[] {
    return [...this.#shelf.keys()];
  }

  /**
   * Runs `work` with the model, loading it first if needed. The model is not evicted while `work` runs.
   *
   * @throws QuarryError `WEIGHTS_INVALID` when the manifest claims more bytes than a model of this shape can have; also
   *   whatever downloading and loading throw
   */
  async use<T>(
    manifest: WeightsManifest,
    config: ModelConfig,
    work: (model: LoadedModel) => Promise<T>,
    fallbacks: readonly DownloadSource[] = [],
  ): Promise<T> {
    const identity = weightsIdentity(manifest);
    const entry = this.#shelf.get(identity) ?? { model: this.#load(manifest, config, fallbacks), users: 0 };
    this.#shelf.delete(identity);
    this.#shelf.set(identity, entry);
    entry.users++;
    try {
      const model = await entry.model.catch((error: unknown) => {
        this.#shelf.delete(identity);
        throw error;
      });
      await this.#makeRoom();
      return await work(model);
    } finally {
      entry.users--;
    }
  }

  async close(): Promise<void> {
    const all = [...this.#shelf.values()];
    this.#shelf.clear();
    for (const { model } of all) await (await model.catch(() => undefined))?.close();
  }

  async #load(
    manifest: WeightsManifest,
    config: ModelConfig,
    fallbacks: readonly DownloadSource[],
  ): Promise<LoadedModel> {
    assertPlausibleSize(manifest, config);
    const engine = await this.#deps.engineFor(config);
    const packing = engine.packing?.(config);
    const { signal, weights, onWithdrawn } = this.#deps;
    const nearby = this.#deps.nearby?.(manifest, signal);
    const file = await weights.open(manifest, { fallbacks, packing, nearby, signal });
    try {
      return await engine.load(file, config, {
        published: manifest,
        onWithdrawn: (checksums) => onWithdrawn?.(manifest, checksums),
      });
    } finally {
      await file.close();
    }
  }

  async #makeRoom(): Promise<void> {
    for (const [identity, { model, users }] of this.#shelf) {
      if (this.#shelf.size <= this.#options.most) return;
      if (users > 0) continue;
      this.#shelf.delete(identity);
      await (await model.catch(() => undefined))?.close();
    }
  }
}
