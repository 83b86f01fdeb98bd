import type { LoadedModel, Score } from '../../engine/contract.js';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { assertRoom } from '../../files/assert-room.js';
import { type ModelKey, modelKeyId, openStore, type Store } from '../../store/index.js';
import { weightsKey } from '../../weights/manifest.js';
import type { ModelShelf } from '../model-shelf.js';
import type { PublishedModel } from '../wire.js';
import { RecentRows } from './recent-rows.js';

/** Pause before a model that failed to load is tried again. */
const FAILED_MODEL_MS = 30_000;
/** Scores are dropped once the coordinator has stopped using their weights for this long: two epochs. */
const REPLACED_MS = 2 * 24 * 3_600_000;
/** Room for a large sample and its rows. */
const ROOM_BYTES = 2 ** 20;

export interface KeptRowsDeps {
  readonly models: Pick<ModelShelf, 'use'>;
  /** Models the coordinator has published. */
  readonly known: () => readonly PublishedModel[];
  readonly onWarning: (error: QuarryError) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** A scorer's own store: samples and their scores under every published model. */
export class KeptRows {
  readonly recent = new RecentRows();
  readonly #dir: string;
  readonly #deps: KeptRowsDeps;
  readonly #now: () => number;
  #store: Promise<Store> | undefined;
  #opened: Store | undefined;
  /** By model, the sample id up to which every sample is scored or failed. */
  readonly #scoredUpTo = new Map<string, number>();
  readonly #failedUntil = new Map<string, number>();
  readonly #bounds = new Map<string, number>();
  /** When the coordinator stopped using a model, by model id. */
  readonly #replacedAt = new Map<string, number>();

  constructor(dir: string, deps: KeptRowsDeps) {
    this.#dir = dir;
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
  }

  get count(): number {
    return this.#opened?.sampleCount ?? 0;
  }

  /** Published models, except those that failed to load recently. */
  get models(): readonly PublishedModel[] {
    const now = this.#now();
    return this.#deps.known().filter((model) => (this.#failedUntil.get(keyOf(model).checksum) ?? now) <= now);
  }

  /** Whether some sample lacks a score under some model. */
  get busy(): boolean {
    const store = this.#opened;
    return store !== undefined && this.models.some((model) => this.#unscored(store, model, 1).length > 0);
  }

  /** Largest loss error bound among the models loaded so far. */
  get lowBound(): number {
    return Math.max(0, ...this.#bounds.values());
  }

  /**
   * Opens the store, which needs the embedding width of a model; undefined while no model is known.
   *
   * @throws QuarryError as `openStore` does
   */
  async store(): Promise<Store | undefined> {
    const [model] = this.#deps.known();
    if (this.#store === undefined) {
      if (model === undefined) return undefined;
      const { embeddingDim } = model.config;
      this.#store = openStore({ dir: this.#dir, embeddingDim, durability: 'process' });
      this.#store.catch(() => {
        this.#store = undefined;
      });
    }
    this.#opened = await this.#store;
    return this.#opened;
  }

  /** Whether a sample is scored under all of {@link models}. */
  isComplete(store: Store, sampleId: number): boolean {
    return this.models.every((model) => store.isScored(sampleId, keyOf(model)));
  }

  /** Scores up to `most` unscored samples under each model; returns the number of scores made. */
  async scoreWaiting(store: Store, most: number, signal: AbortSignal): Promise<number> {
    let made = 0;
    for (const model of this.models) {
      const ids = this.#unscored(store, model, most);
      const last = ids.at(-1);
      if (last === undefined || signal.aborted) continue;
      if (!(await this.score(store, model, ids, signal))) continue;
      this.#scoredUpTo.set(keyOf(model).checksum, last);
      made += ids.length;
    }
    return made;
  }

  /** Scores samples under a model and stores the scores; false if the model fails to load. */
  async score(
    store: Store,
    model: PublishedModel,
    ids: readonly number[],
    signal: AbortSignal,
    precision?: 'f32',
  ): Promise<boolean> {
    const key = keyOf(model);
    try {
      await this.#deps.models.use(model.manifest, model.config, async (loaded) => {
        this.#bounds.set(key.checksum, loaded.errorBound.loss);
        const scores = await this.#scoreEach(loaded, store, ids, { signal, ...(precision && { precision }) });
        await store.appendScores(
          key,
          scores.map(({ id, score }) => ({ sampleId: id, ...score })),
        );
        this.recent.add(scores.map(({ id }) => id));
      });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      this.#failedUntil.set(key.checksum, this.#now() + FAILED_MODEL_MS);
      const isWanted = this.#deps.known().some((each) => keyOf(each).checksum === key.checksum);
      if (isWanted) this.#deps.onWarning(toQuarryError(error, `scoring with model ${key.checksum.slice(0, 10)}`));
      return false;
    }
  }

  /** Drops scores under weights replaced long ago. While no model is known, none counts as replaced. */
  async dropReplaced(store: Store): Promise<void> {
    const now = this.#now();
    const known = new Set(this.#deps.known().map((model) => modelKeyId(keyOf(model))));
    for (const id of store.models.map(modelKeyId)) {
      if (known.size === 0 || known.has(id)) this.#replacedAt.delete(id);
      else if (!this.#replacedAt.has(id)) this.#replacedAt.set(id, now);
      else if (now - (this.#replacedAt.get(id) ?? now) >= REPLACED_MS) {
        this.#replacedAt.delete(id);
        await store.internals.drop(id);
      }
    }
  }

  /**
   * Closes the store after a failed write, so that reopening repairs it, and checks that the disk has room.
   *
   * @throws QuarryError `DISK_FULL` or `FILE_UNREADABLE` when it cannot be written
   */
  async mend(): Promise<void> {
    await this.close();
    this.#store = undefined;
    this.#opened = undefined;
    this.#scoredUpTo.clear();
    await assertRoom(this.#dir, ROOM_BYTES);
  }

  async close(): Promise<void> {
    await (await this.#store?.catch(() => undefined))?.close();
  }

  #unscored(store: Store, model: PublishedModel, limit: number): number[] {
    const key = keyOf(model);
    const after = this.#scoredUpTo.get(key.checksum) ?? -1;
    const ids = store.unscored(key, { after, limit });
    if (ids.length === 0) this.#scoredUpTo.set(key.checksum, store.sampleCount - 1);
    return ids;
  }

  /** If the batch fails, scores one sample at a time and skips those that fail with a warning. */
  async #scoreEach(
    loaded: LoadedModel,
    store: Store,
    ids: readonly number[],
    options: { readonly signal: AbortSignal; readonly precision?: 'f32' },
  ): Promise<{ readonly id: number; readonly score: Score }[]> {
    try {
      const bytes = ids.map((id) => store.sample(id).bytes);
      const scores = await loaded.score(bytes, options);
      return scores.flatMap((score, i) => {
        const id = ids[i];
        return id === undefined ? [] : [{ id, score }];
      });
    } catch (error) {
      if (options.signal.aborted) throw error;
      if (ids.length === 1) {
        this.#deps.onWarning(toQuarryError(error, `scoring kept sample ${ids[0]}`));
        return [];
      }
      const each = [];
      for (const id of ids) for (const one of await this.#scoreEach(loaded, store, [id], options)) each.push(one);
      return each;
    }
  }
}

/** The store's key for a model. */
export function keyOf({ manifest }: PublishedModel): ModelKey {
  return weightsKey(manifest);
}
