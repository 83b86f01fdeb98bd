import { LatestMap } from '../../collections/latest-map.js';
import { CHUNK_BYTES } from '../../sources/index.js';
import { type ModelKey, type ScoreInput, type Store, scoreFromParts } from '../../store/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { SampleIngest } from '../feed/sample-ingest.js';
import type { ActiveModel, ModelCatalogue } from './model-catalogue.js';
import { RoundSize } from './round-size.js';
import { scoreStored } from './score-stored.js';

export interface ScorerOptions {
  /** Most samples of a round. All models in {@link Scorer.paying} score a round before it is matched. */
  readonly batchSize: number;
  /** Samples that the engine scores side by side, if that is known. */
  readonly parallel?: number | undefined;
  /** Scores the newest unscored samples first. Default false: the oldest. */
  readonly newestFirst?: boolean | undefined;
}

export interface ScorerDeps {
  readonly store: Store;
  readonly ingest: SampleIngest;
  readonly models: ModelCatalogue;
  readonly book: OpenTargets;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Result of one round. */
export interface ScoredRound {
  readonly ids: readonly number[];
  /** How many of them had no score under any model before. */
  readonly fresh: number;
  /** Whether nothing was scored because all samples read were duplicates, and the source has more ready. */
  readonly onlyKnown: boolean;
}

const NOTHING: ScoredRound = { ids: [], fresh: 0, onlyKnown: false };

/**
 * Scores samples in rounds. A round takes samples without a score under a model that open targets name: first those in
 * the store, then new ones. Models named by most open targets go first.
 */
export class Scorer {
  readonly #options: ScorerOptions;
  readonly #deps: ScorerDeps;
  readonly #size: RoundSize;
  /** By model, the id up to which every sample is scored. Saves a scan of the whole store each round. */
  readonly #scoredUpTo = new LatestMap<string, number>(1_000);

  constructor(options: ScorerOptions, deps: ScorerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#size = new RoundSize(options.batchSize, options.parallel);
  }

  /**
   * Scores one round. The result is empty if there is nothing to do.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async round(signal: AbortSignal): Promise<ScoredRound> {
    const models = this.paying();
    if (models.length === 0) return NOTHING;
    const backlog = this.#backlog(models);
    const { store, ingest, now } = this.#deps;
    const ids = backlog.length > 0 ? backlog : await ingest.next(this.#size.next, signal);
    if (ids.length === 0) return { ...NOTHING, onlyKnown: ingest.hasMore };
    const fresh = ids.filter((id) => !store.models.some((key) => store.score(id, key) !== undefined)).length;
    const startedAt = now();
    await this.score(ids, signal);
    this.#size.took(ids.length, now() - startedAt);
    return { ids, fresh, onlyKnown: false };
  }

  /** Scores stored samples under all models in {@link paying}. */
  async score(ids: readonly number[], signal: AbortSignal): Promise<void> {
    for (const model of this.paying()) await this.#scoreUnder(model, ids, signal);
  }

  /**
   * Withdraws scores under a model; the samples will be scored again.
   *
   * @param checksums BLAKE2b-256 of the samples
   */
  async withdraw(model: ModelKey, checksums: readonly Uint8Array[]): Promise<void> {
    // Scores returned just before may not be in the store yet.
    await new Promise(setImmediate);
    const { store } = this.#deps;
    await store.withdrawScores(
      model,
      checksums.flatMap((checksum) => store.find(checksum) ?? []),
    );
    this.#scoredUpTo.delete(model.checksum);
  }

  /**
   * Models of those open targets whose models are all loaded, in order of demand. With no open targets, all loaded
   * models.
   */
  paying(): ActiveModel[] {
    const { models, book } = this.#deps;
    const ready = models.active.filter((model) => models.loaded(model) !== undefined);
    if (book.size === 0) return ready;
    const demand = book.demand(new Set(ready.map((model) => model.id)));
    const wanted = ready.filter((model) => demand.has(model.id));
    return wanted.sort((a, b) => (demand.get(b.id) ?? 0) - (demand.get(a.id) ?? 0));
  }

  #backlog(models: readonly ActiveModel[]): number[] {
    const { store } = this.#deps;
    const { newestFirst } = this.#options;
    for (const { key } of models) {
      const after = this.#scoredUpTo.get(key.checksum) ?? -1;
      const ids = store.unscored(key, { after, limit: this.#size.next, newestFirst });
      if (ids.length > 0) return ids;
      this.#scoredUpTo.set(key.checksum, store.sampleCount - 1);
    }
    return [];
  }

  async #scoreUnder(model: ActiveModel, ids: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, models } = this.#deps;
    const loaded = models.loaded(model);
    if (loaded === undefined) return;
    const composed: ScoreInput[] = [];
    const missing = ids.filter((id) => {
      if (store.score(id, model.key) !== undefined) return false;
      // The score of a composed sample follows from its parts, which have lower ids and so are scored already.
      const score = store.sampleSize(id)! > CHUNK_BYTES ? scoreFromParts(store, id, model.key) : undefined;
      if (score !== undefined) composed.push(score);
      return score === undefined;
    });
    await store.appendScores(model.key, composed);
    await scoreStored(store, model.key, loaded, missing, { signal });
  }
}
