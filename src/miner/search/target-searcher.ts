import { hasGradients, type SearchPart, TargetSearch } from '../../search/index.js';
import type { Composition, MatchTarget, Store } from '../../store/index.js';
import type { OpenTarget, OpenTargets } from '../feed/open-targets.js';
import type { Candidate } from '../match/candidate.js';
import { lossBounds } from '../match/loss-bounds.js';
import type { TargetComposer } from '../match/target-composer.js';
import type { ActiveModel, ModelCatalogue } from '../score/model-catalogue.js';
import type { Scorer } from '../score/scorer.js';
import type { SpendingGuard } from '../submit/spending-guard.js';
import { prospect } from './prospect.js';
import { SearchBudget } from './search-budget.js';
import { searchedOrigin } from './searched-origin.js';

/** Chunks proposed per step. */
const PROPOSALS = 12;
/** Cost of a gradient, in scorings. */
const GRADIENT_COST = 3;
/** Steps for one target before targets are ranked again. */
const STEPS_PER_TARGET = 25;
/** Steps without gain after which a search has stalled. */
const STALLED_AFTER = 6;
/** Parts of the composition that blends are made from, independent of the limit of a submission. */
const BLENDED_PARTS = 16;
/** Targets ranked at most. */
const MOST_COMPARED = 96;

export interface TargetSearcherOptions {
  /** Share of all scoring used for searching, from 0 (none) to 1. */
  readonly share: number;
  /** How far inside the threshold a hit must lie, cosine distance. */
  readonly margin: number;
}

export interface TargetSearcherDeps {
  readonly store: Store;
  readonly models: ModelCatalogue;
  readonly book: OpenTargets;
  readonly composer: Pick<TargetComposer, 'closest' | 'candidateOfParts' | 'maxParts'>;
  readonly scorer: Pick<Scorer, 'score'>;
  readonly guard: Pick<SpendingGuard, 'isPoor' | 'isWorth'>;
}

/** Result of one step. */
export interface SearchedStep {
  /** Samples proposed and scored; stored like any other. */
  readonly ids: readonly number[];
  /** The sample found, if it hits. */
  readonly candidate: Candidate | undefined;
}

interface StoredPart extends SearchPart {
  readonly sampleId: number;
}

interface Running {
  readonly open: OpenTarget;
  readonly wanted: MatchTarget;
  readonly search: TargetSearch<StoredPart>;
  steps: number;
  sinceGain: number;
}

/**
 * Searches for targets that no stored sample hits, one target at a time, best prospect first. Each step proposes chunks
 * along the gradient, scores them and keeps those that bring the sample closer.
 */
export class TargetSearcher {
  readonly #options: TargetSearcherOptions;
  readonly #deps: TargetSearcherDeps;
  readonly #stalls = new Map<string, number>();
  #running: Running | undefined;
  readonly #budget: SearchBudget;
  #seed = 0n;

  constructor(options: TargetSearcherOptions, deps: TargetSearcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#budget = new SearchBudget(options.share, { proposals: PROPOSALS, gradient: GRADIENT_COST });
  }

  /** Counts samples scored outside of searches, which earn search steps. */
  noteScored(samples: number): void {
    this.#budget.earn(samples);
  }

  /**
   * Whether the share allows a step and there are funds to submit a hit.
   *
   * @param idle nothing else is waiting to be scored; any share above 0 then allows a step
   */
  isDue(idle: boolean): boolean {
    return this.#budget.allows(idle) && !this.#deps.guard.isPoor;
  }

  /** Lowers a target's rank after its search stalled or its hit was not submitted. */
  putBehind(targetId: string): void {
    this.#stalls.set(targetId, (this.#stalls.get(targetId) ?? 0) + 1);
    if (this.#running?.open.target.id === targetId) this.#running = undefined;
  }

  /**
   * Runs one step for one target.
   *
   * @param idle as in {@link isDue}
   * @param now monotonic milliseconds
   * @returns undefined if there is no target to search for
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async step(idle: boolean, now: () => number, signal: AbortSignal): Promise<SearchedStep | undefined> {
    const running = this.#isOver() ? await this.#choose() : this.#running;
    this.#running = running;
    if (running === undefined) return undefined;
    const { search, open } = running;
    const models = this.#modelsOf(open)?.map((model) => this.#deps.models.loaded(model));
    if (models === undefined || !models.every((model) => model !== undefined && hasGradients(model))) {
      this.#running = undefined;
      return undefined;
    }
    const { isRelaxing } = search;
    const proposals = await search.proposals(models, PROPOSALS, signal);
    const ids = await this.#score(proposals, search.base.sampleId, signal);
    this.#budget.spend(idle);
    running.steps++;
    const proposed = ids.map((id) => this.#parts(running.wanted, [id])[0]);
    running.sinceGain = search.take(proposed) || isRelaxing ? 0 : running.sinceGain + 1;
    return { ids: [...new Set(ids)], candidate: await this.#hit(running, now(), signal) };
  }

  #isOver(): boolean {
    const running = this.#running;
    if (running === undefined) return true;
    const { id } = running.open.target;
    if (running.sinceGain >= STALLED_AFTER) {
      this.putBehind(id);
      return true;
    }
    return running.steps >= STEPS_PER_TARGET || !this.#deps.book.available.includes(running.open);
  }

  /** Stores and scores proposals; returns their sample ids in order. Known bytes get the id of the existing sample. */
  async #score(proposals: readonly Uint8Array[], baseId: number, signal: AbortSignal): Promise<number[]> {
    const origin = searchedOrigin(baseId);
    const samples = await this.#deps.store.appendSamples(proposals.map((bytes) => ({ bytes, origin })));
    const ids = samples.map(({ id }) => id);
    await this.#deps.scorer.score([...new Set(ids)], signal);
    return ids;
  }

  async #hit({ open, wanted, search }: Running, readyAt: number, signal: AbortSignal) {
    if (1 - search.cosine > wanted.threshold - this.#options.margin) return undefined;
    const parts = search.parts.map(({ sampleId }) => sampleId);
    const { winner } = search;
    return this.#deps.composer.candidateOfParts(open, wanted, { parts, winner }, readyAt, signal);
  }

  /** Starts a search for the target with the best prospect. */
  async #choose(): Promise<Running | undefined> {
    const { book, composer, guard } = this.#deps;
    for (const id of this.#stalls.keys()) if (book.get(id) === undefined) this.#stalls.delete(id);
    const ready = book.available.filter(
      (open) =>
        guard.isWorth(open.target) && this.#modelsOf(open)?.every((model) => this.#differentiates(model)) === true,
    );
    const compared = ready
      .sort((a, b) => Number(b.target.rewardPoolShannons - a.target.rewardPoolShannons))
      .slice(0, MOST_COMPARED);
    let best: { open: OpenTarget; wanted: MatchTarget; closest: Composition; promise: number } | undefined;
    for (const { open, wanted, closest } of await composer.closest(compared)) {
      const promise = prospect({
        rewardShannons: open.target.rewardPoolShannons,
        wantedCosine: 1 - wanted.threshold + this.#options.margin,
        cosine: 1 - closest.distance,
        dim: wanted.embedding.length,
        stalls: this.#stalls.get(open.target.id) ?? 0,
      });
      if (best === undefined || promise > best.promise) best = { open, wanted, closest, promise };
    }
    return best === undefined ? undefined : this.#begin(best);
  }

  async #begin({ open, wanted, closest }: { open: OpenTarget; wanted: MatchTarget; closest: Composition }) {
    const { composer } = this.#deps;
    const { maxParts } = composer;
    const { winner } = closest;
    const parts = this.#parts(wanted, closest.parts);
    if (parts.length === 0) return undefined;
    const [whole] = maxParts < BLENDED_PARTS ? await composer.closest([open], BLENDED_PARTS) : [];
    const donors = (whole === undefined ? parts : this.#parts(wanted, whole.closest.parts)).map(({ bytes }) => bytes);
    const goal = { embedding: wanted.embedding, winner, maxParts, seed: this.#seed++ };
    return { open, wanted, search: new TargetSearch(goal, parts, donors), steps: 0, sinceGain: 0 };
  }

  /** Samples as parts, one shared object per sample. Omits samples that lack a score under one of the models. */
  #parts({ models }: MatchTarget, ids: readonly number[]): StoredPart[] {
    const { store } = this.#deps;
    const { f32 = 0, low = 0 } = lossBounds(this.#deps.models);
    const parts = new Map<number, StoredPart>();
    for (const sampleId of new Set(ids)) {
      const scores = models.map((key) => store.score(sampleId, key)).filter((score) => score !== undefined);
      if (scores.length < models.length) continue;
      const lossBound = scores.every(({ precision }) => precision === 'f32') ? f32 : low;
      parts.set(sampleId, { sampleId, bytes: store.sample(sampleId).bytes, scores, lossBound });
    }
    return ids.flatMap((id) => parts.get(id) ?? []);
  }

  #modelsOf({ target }: OpenTarget): ActiveModel[] | undefined {
    const models = target.modelIds.map((id) => this.#deps.models.get(id));
    return models.every((model) => model !== undefined) ? models : undefined;
  }

  #differentiates(model: ActiveModel): boolean {
    const loaded = this.#deps.models.loaded(model);
    return loaded !== undefined && hasGradients(loaded);
  }
}
