import { type SearchPart, TargetSearch } from '../../search/index.js';
import type { Composition, MatchTarget, Store } from '../../store/index.js';
import type { OpenTarget, OpenTargets } from '../feed/open-targets.js';
import type { Candidate } from '../match/candidate.js';
import { lossBounds } from '../match/loss-bounds.js';
import type { TargetComposer } from '../match/target-composer.js';
import type { ActiveModel, ModelCatalogue } from '../score/model-catalogue.js';
import type { Scorer } from '../score/scorer.js';
import type { SpendingGuard } from '../submit/spending-guard.js';
import { prospect } from './rank-targets.js';
import { SearchBudget } from './search-budget.js';
import { searchedOrigin } from './searched-origin.js';

/** Chunks proposed in a step. */
const PROPOSALS = 12;
/** What a gradient costs beside them, in scorings. */
const GRADIENT_COST = 3;
/** Steps for one target before the order of all is looked at again. */
const STEPS_PER_TARGET = 25;
/** Steps without gain after which others go first. */
const STALLED_AFTER = 6;
/** Parts of the composition that chunks are blended of, whatever a submission may have. */
const BLENDED_PARTS = 16;
/** Targets that are compared. */
const MOST_COMPARED = 96;

export interface TargetSearcherOptions {
  /** Share of all scoring that may go into searching, from 0 (none) to 1. */
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

/** What one step came to. */
export interface SearchedStep {
  /** Samples proposed and scored: rows like any other. */
  readonly ids: readonly number[];
  /** The searched sample, when it hits. */
  readonly candidate: Candidate | undefined;
}

interface StoredPart extends SearchPart {
  readonly sampleId: number;
}

interface Running {
  readonly open: OpenTarget;
  readonly wanted: MatchTarget;
  readonly winner: number;
  readonly search: TargetSearch<StoredPart>;
  steps: number;
  sinceGain: number;
}

/**
 * Searches for the targets that nothing known hits, one at a time, the most rewarding and nearest first: proposes chunks
 * that the gradient favours, has them scored, keeps what brings the sample closer.
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

  /** Called with every sample scored that was not searched: the share is of all of them. */
  noteScored(samples: number): void {
    this.#budget.earn(samples);
  }

  /**
   * Whether a step may be taken, and what it finds may be paid for.
   *
   * @param idle nothing else waits to be scored: the share does not matter then, unless it is 0
   */
  isDue(idle: boolean): boolean {
    return this.#budget.allows(idle) && !this.#deps.guard.isPoor;
  }

  /** Its hit was not taken, or nothing brings the search closer: others go first. */
  putBehind(targetId: string): void {
    this.#stalls.set(targetId, (this.#stalls.get(targetId) ?? 0) + 1);
    if (this.#running?.open.target.id === targetId) this.#running = undefined;
  }

  /**
   * One step for one target.
   *
   * @param idle as in {@link isDue}
   * @param now monotonic milliseconds
   * @returns undefined when there is no target to search for
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async step(idle: boolean, now: () => number, signal: AbortSignal): Promise<SearchedStep | undefined> {
    const running = this.#isOver() ? await this.#choose() : this.#running;
    this.#running = running;
    if (running === undefined) return undefined;
    const { search, winner, open } = running;
    const model = this.#modelsOf(open)?.[winner];
    const loaded = model === undefined ? undefined : this.#deps.models.loaded(model);
    if (loaded?.byteGradient === undefined) {
      this.#running = undefined;
      return undefined;
    }
    const { part, direction } = search.next();
    const gradient = await loaded.byteGradient(part.bytes, direction, { signal });
    const ids = await this.#score(search.propose(gradient, PROPOSALS), part.sampleId, signal);
    this.#budget.spend(idle);
    running.steps++;
    const proposed = ids.map((id) => this.#parts(running.wanted, [id])[0]);
    running.sinceGain = search.take(proposed) ? 0 : running.sinceGain + 1;
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

  /** Stores and scores what was proposed, in order; bytes that are known stand for their sample. */
  async #score(proposals: readonly Uint8Array[], baseId: number, signal: AbortSignal): Promise<number[]> {
    const origin = searchedOrigin(baseId);
    const samples = await this.#deps.store.appendSamples(proposals.map((bytes) => ({ bytes, origin })));
    const ids = samples.map(({ id }) => id);
    await this.#deps.scorer.score([...new Set(ids)], signal);
    return ids;
  }

  async #hit({ open, wanted, winner, search }: Running, readyAt: number, signal: AbortSignal) {
    if (1 - search.cosine > wanted.threshold - this.#options.margin) return undefined;
    const parts = search.parts.map(({ sampleId }) => sampleId);
    return this.#deps.composer.candidateOfParts(open, wanted, { parts, winner }, readyAt, signal);
  }

  /** Begins a search for the target that promises most. */
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
    return { open, wanted, winner, search: new TargetSearch(goal, parts, donors), steps: 0, sinceGain: 0 };
  }

  /** Samples as parts, one object for each; those without a score under one of the models are left out. */
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
    return this.#deps.models.loaded(model)?.byteGradient !== undefined;
  }
}
