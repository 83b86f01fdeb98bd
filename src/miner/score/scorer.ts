import { LatestMap } from '../../collections/latest-map.js';
import { isAbort } from '../../errors/index.js';
import { childSignal } from '../../net/index.js';
import { CHUNK_BYTES } from '../../sources/index.js';
import { type ModelKey, type ScoreInput, type Store, scoreFromParts } from '../../store/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { SampleIngest } from '../feed/sample-ingest.js';
import { GrowingWindow } from './growing-window.js';
import type { ActiveModel, ModelCatalogue } from './model-catalogue.js';
import { RoundSize } from './round-size.js';
import { type Round, RoundsInFlight } from './rounds-in-flight.js';
import { scoreStored } from './score-stored.js';

export interface ScorerOptions {
  /** Most samples that are scored at a time. */
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

/** What has been scored since it was last asked. */
export interface ScoredRound extends Round {
  /** Whether nothing was scored because all samples read were duplicates, and the source has more ready. */
  readonly onlyKnown: boolean;
}

const NOTHING: ScoredRound = { ids: [], fresh: 0, onlyKnown: false };

/**
 * Scores samples in rounds. A round takes samples without a score under a model that open targets name: first those in
 * the store, then new ones. Models named by most open targets go first. An engine that says how many samples it scores
 * side by side is given one round at a time; one that does not, such as a fleet, several, so that no scorer waits for
 * another's samples.
 */
export class Scorer {
  readonly #options: ScorerOptions;
  readonly #deps: ScorerDeps;
  readonly #pace: RoundSize | GrowingWindow;
  readonly #inFlight = new RoundsInFlight();
  /** By model, the id up to which every sample is scored. Saves a scan of the whole store each round. */
  readonly #scoredUpTo = new LatestMap<string, number>(1_000);

  constructor(options: ScorerOptions, deps: ScorerDeps) {
    this.#options = options;
    this.#deps = deps;
    const { batchSize, parallel } = options;
    this.#pace = parallel === undefined ? new GrowingWindow(batchSize) : new RoundSize(batchSize, parallel);
  }

  /**
   * Starts what there is room for and waits until a round has been scored. The result is empty if there is nothing to
   * do.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async round(signal: AbortSignal): Promise<ScoredRound> {
    const onlyKnown = await this.#fill(signal);
    const inFlight = this.#inFlight;
    if (inFlight.samples === 0 || (onlyKnown && !inFlight.haveEnded)) return { ...NOTHING, onlyKnown };
    return { ...(await inFlight.take()), onlyKnown: false };
  }

  /** Stops the rounds in flight. */
  abandon(): Promise<void> {
    return this.#inFlight.abandon();
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

  /** Starts rounds while there is room. Returns whether the last read brought only samples that the store has. */
  async #fill(signal: AbortSignal): Promise<boolean> {
    const { ingest } = this.#deps;
    const inFlight = this.#inFlight;
    for (;;) {
      const models = this.paying();
      const room = this.#pace.room(inFlight.samples);
      if (models.length === 0 || room === 0) return false;
      const backlog = this.#backlog(models, room);
      // What has been scored does not wait for a source that is slow.
      if (backlog.length === 0 && inFlight.haveEnded && !ingest.hasMore) return false;
      const ids = backlog.length > 0 ? backlog : await ingest.next(room, signal);
      if (ids.length === 0) return ingest.hasMore;
      this.#start(ids, signal);
    }
  }

  #start(ids: readonly number[], signal: AbortSignal): void {
    const { store, now } = this.#deps;
    const fresh = ids.filter((id) => !store.models.some((key) => store.isScored(id, key))).length;
    const startedAt = now();
    const score = async (until: AbortSignal): Promise<void> => {
      await this.score(ids, until);
      this.#pace.took(ids.length, now() - startedAt);
    };
    this.#inFlight.start({ ids, fresh }, score, signal);
  }

  #backlog(models: readonly ActiveModel[], count: number): number[] {
    const { store } = this.#deps;
    const { newestFirst } = this.#options;
    for (const { key } of models) {
      const after = this.#scoredUpTo.get(key.checksum) ?? -1;
      const limit = count + this.#inFlight.samples;
      const unscored = store.unscored(key, { after, limit, newestFirst });
      const ids = unscored.filter((id) => !this.#inFlight.has(id)).slice(0, count);
      // While samples are in flight there always is one without a score: the next scan begins there.
      const [oldest = store.sampleCount] = unscored;
      if (!newestFirst || unscored.length === 0) this.#scoredUpTo.set(key.checksum, oldest - 1);
      if (ids.length > 0) return ids;
    }
    return [];
  }

  async #scoreUnder(model: ActiveModel, ids: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, models } = this.#deps;
    const loaded = models.loaded(model);
    const released = models.released(model);
    if (loaded === undefined || released === undefined) return;
    const composed: ScoreInput[] = [];
    const missing = ids.filter((id) => {
      if (store.score(id, model.key) !== undefined) return false;
      // The score of a composed sample follows from its parts, which have lower ids and so are scored already.
      const score = store.sampleSize(id)! > CHUNK_BYTES ? scoreFromParts(store, id, model.key) : undefined;
      if (score !== undefined) composed.push(score);
      return score === undefined;
    });
    await store.appendScores(model.key, composed);
    const until = childSignal(signal, released);
    try {
      await scoreStored(store, model.key, loaded, missing, { signal: until.signal });
    } catch (error) {
      if (!released.aborted || signal.aborted || !isAbort(error)) throw error;
    } finally {
      until.close();
    }
  }
}
