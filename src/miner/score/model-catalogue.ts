import { bytesToHex } from '@noble/hashes/utils.js';
import PQueue from 'p-queue';
import type { LoadedModel, ScoringEngine } from '../../engine/contract.js';
import { toQuarryError } from '../../errors/index.js';
import { type Backoff, backoffDelayMs, type DownloadSource } from '../../net/index.js';
import type { Model } from '../../soma/client/decode/model.js';
import type { ModelKey } from '../../store/index.js';
import { assertPlausibleSize } from '../../weights/assert-plausible-size.js';
import { type WeightsManifest, weightsKey } from '../../weights/manifest.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type { FetchWeightsOptions, WeightsCache } from '../../weights/weights-cache.js';
import type { MinerEmitter } from '../run/events.js';

/** Backoff after a failed load. The first retry comes soon: a transfer can be damaged once. */
const RETRY: Backoff = { baseMs: 2_000, maxMs: 120_000 };
/** Backoff if the file itself is bad: downloading gigabytes again is unlikely to help. */
const CONTENT_RETRY: Backoff = { baseMs: 60_000, maxMs: 6 * 3_600_000 };
/** Concurrent downloads. Two saturate a connection; more would only delay the first model. */
const DOWNLOADS_AT_ONCE = 2;

/** An active model with published weights and a decryption key on chain. */
export interface ActiveModel {
  readonly id: string;
  readonly key: ModelKey;
  readonly manifest: WeightsManifest;
}

export interface ModelCatalogueOptions {
  readonly config: ModelConfig;
  /** Proxies for a model's weights, tried after the manifest's own URL. */
  readonly proxies?: ((modelId: string) => readonly DownloadSource[]) | undefined;
}

export interface ModelCatalogueDeps {
  readonly engine: ScoringEngine;
  readonly weights: WeightsCache;
  readonly emitter: MinerEmitter;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Called when the engine withdraws scores, with the BLAKE2b-256 of their samples. */
  readonly onWithdrawn?: ((model: ModelKey, checksums: readonly Uint8Array[]) => void) | undefined;
}

interface LoadedWeights {
  readonly model: LoadedModel;
  readonly released: AbortController;
}

/** The network's active models, and which of them are loaded. */
export class ModelCatalogue {
  readonly #options: ModelCatalogueOptions;
  readonly #deps: ModelCatalogueDeps;
  readonly #active = new Map<string, ActiveModel>();
  /** By weights identity: two models may publish the same weights. */
  readonly #loaded = new Map<string, LoadedWeights>();
  readonly #downloads = new PQueue({ concurrency: DOWNLOADS_AT_ONCE });
  readonly #failed = new Map<string, { readonly times: number; readonly dueAt: number }>();

  constructor(options: ModelCatalogueOptions, deps: ModelCatalogueDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Replaces the active models with those on chain and closes weights that are no longer active.
   *
   * @returns whether the active models or their weights changed
   */
  async update(models: Iterable<Model>): Promise<boolean> {
    const before = this.#names();
    this.#active.clear();
    for (const { id, state, manifest, decryptionKey } of models) {
      if (state !== 'active' || manifest === undefined || decryptionKey === undefined) continue;
      const checksum = bytesToHex(manifest.checksum);
      const weights = { url: manifest.url, checksum, sizeBytes: Number(manifest.size), decryptionKey };
      this.#active.set(id, { id, key: weightsKey(weights), manifest: weights });
    }
    const wanted = new Set([...this.#active.values()].map((model) => model.key.checksum));
    for (const [checksum, { model, released }] of this.#loaded) {
      if (wanted.has(checksum)) continue;
      this.#loaded.delete(checksum);
      released.abort();
      // `close` waits for scoring under way; the epoch change must not.
      model.close().catch((error: unknown) => {
        this.#deps.emitter.emit('warning', { error: toQuarryError(error, 'closing a model') });
      });
    }
    return this.#names() !== before;
  }

  get(modelId: string): ActiveModel | undefined {
    return this.#active.get(modelId);
  }

  get active(): readonly ActiveModel[] {
    return [...this.#active.values()];
  }

  /** Keys of a target's models in its order; `undefined` if one of them is not active. */
  keysOf(modelIds: readonly string[]): readonly ModelKey[] | undefined {
    const keys = modelIds.map((id) => this.#active.get(id)?.key);
    return keys.every((key) => key !== undefined) ? keys : undefined;
  }

  loaded(model: ActiveModel): LoadedModel | undefined {
    return this.#loaded.get(model.key.checksum)?.model;
  }

  /** Fires when a loaded model's weights are no longer active: scores under them are worth nothing then. */
  released(model: ActiveModel): AbortSignal | undefined {
    return this.#loaded.get(model.key.checksum)?.released.signal;
  }

  /** Whether a model is not loaded and due for a first attempt or a retry. */
  isDue(model: ActiveModel): boolean {
    const failed = this.#failed.get(model.id);
    return this.loaded(model) === undefined && (failed === undefined || this.#deps.now() >= failed.dueAt);
  }

  /**
   * Downloads, verifies, decrypts and loads a model's weights. Reports a failure and returns undefined.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async load(model: ActiveModel, signal: AbortSignal): Promise<LoadedModel | undefined> {
    return this.#downloads.add(() => this.loaded(model) ?? this.#load(model, signal));
  }

  /** All active models with their weights as one string, for comparison. */
  #names(): string {
    return this.active.map(({ id, key }) => `${id} ${key.checksum}`).join();
  }

  async #load(model: ActiveModel, signal: AbortSignal): Promise<LoadedModel | undefined> {
    const { emitter, engine, weights } = this.#deps;
    const { sizeBytes } = model.manifest;
    emitter.emit('model', { modelId: model.id, state: 'fetching', sizeBytes });
    try {
      assertPlausibleSize(model.manifest, this.#options.config);
      const fallbacks = this.#options.proxies?.(model.id);
      const packing = engine.packing?.(this.#options.config);
      const options: FetchWeightsOptions = {
        signal,
        onProgress: (receivedBytes) => emitter.emit('download', { modelId: model.id, receivedBytes, sizeBytes }),
        fallbacks,
        packing,
      };
      const file = await weights.open(model.manifest, options);
      try {
        const onWithdrawn = (checksums: readonly Uint8Array[]): void => this.#deps.onWithdrawn?.(model.key, checksums);
        const loadOptions = { signal, published: model.manifest, onWithdrawn };
        const loaded = await engine.load(file, this.#options.config, loadOptions);
        this.#loaded.set(model.key.checksum, { model: loaded, released: new AbortController() });
        this.#failed.delete(model.id);
        const note = loaded.note === undefined ? {} : { note: loaded.note };
        emitter.emit('model', { modelId: model.id, state: 'ready', sizeBytes, ...note });
        return loaded;
      } finally {
        await file.close();
      }
    } catch (error) {
      const failure = toQuarryError(error, `loading model ${model.id}`);
      if (failure.code === 'ABORTED') throw failure;
      const times = this.#failed.get(model.id)?.times ?? 0;
      const pace = failure.code === 'WEIGHTS_INVALID' || times > 4 ? CONTENT_RETRY : RETRY;
      const dueAt = this.#deps.now() + backoffDelayMs(Math.min(times, 12), pace, Math.random);
      this.#failed.set(model.id, { times: times + 1, dueAt });
      emitter.emit('model', { modelId: model.id, state: 'failed', sizeBytes, error: failure });
      return undefined;
    }
  }

  async close(): Promise<void> {
    for (const { model } of this.#loaded.values()) await model.close();
    this.#loaded.clear();
  }
}
