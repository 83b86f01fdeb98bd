import type { ErrorBound } from '../engine/contract.js';
import type { MatchHit, MatchPolicy, Store } from '../store/index.js';
import type { ModelCatalogue } from './model-catalogue.js';
import { matchTarget, type OpenTarget, type TargetBook } from './target-book.js';

export interface MatcherOptions {
  /** Which of several fitting samples is submitted. */
  readonly policy: 'first' | 'closest' | 'cheapest';
  /** How far inside the threshold a hit must lie, cosine distance. */
  readonly margin: number;
}

export interface MatcherDeps {
  readonly store: Store;
  readonly models: ModelCatalogue;
  readonly book: TargetBook;
}

/** Data that fits a target, ready to be submitted. */
export interface Candidate {
  readonly open: OpenTarget;
  /** Monotonic milliseconds from which on this hit was possible. */
  readonly readyAt: number;
  readonly sampleId: number;
  readonly sizeBytes: number;
  readonly origin: string;
  /** Object id of the winning model. */
  readonly modelId: string;
  readonly loss: number;
  /** `[embeddingDim]`, the winner's. */
  readonly embedding: Float32Array;
  readonly distance: number;
}

/** f32 implementations of the same model differ by this much in the loss; below it no score can tell who wins. */
const F32_LOSS_NOISE = 1e-5;

/** Finds candidates: a new target against every scored sample, or freshly scored samples against every open target. */
export class Matcher {
  readonly #options: MatcherOptions;
  readonly #deps: MatcherDeps;

  constructor(options: MatcherOptions, deps: MatcherDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** At most one candidate for each target, among all scored samples. */
  async forTargets(targets: readonly OpenTarget[], readyAt: number, signal: AbortSignal): Promise<Candidate[]> {
    return this.#settleTies(targets, (wanted, policy) => this.#deps.store.match(wanted, policy), readyAt, signal);
  }

  /** At most one candidate for each open target, among these samples. */
  async forSamples(ids: readonly number[], readyAt: number, signal: AbortSignal): Promise<Candidate[]> {
    const match = (wanted: Parameters<Store['match']>[0], policy: MatchPolicy): Promise<MatchHit[]> =>
      this.#deps.store.matchSamples(ids, wanted, policy);
    return this.#settleTies(this.#deps.book.available, match, readyAt, signal);
  }

  /**
   * Matches, scores near-ties again in f32, and matches the targets they belonged to once more: the winner may have
   * changed, and with it the distance. What stays undecided after that is refused for its target.
   */
  async #settleTies(
    targets: readonly OpenTarget[],
    match: (wanted: Parameters<Store['match']>[0], policy: MatchPolicy) => Promise<MatchHit[]>,
    readyAt: number,
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    const { book, models, store } = this.#deps;
    const byId = new Map(targets.map((open) => [open.target.id, open]));
    const candidates: Candidate[] = [];
    let wanted = targets.flatMap(({ target }) => matchTarget(target, models.keysOf(target.modelIds)) ?? []);
    while (wanted.length > 0) {
      const hits = await match(wanted, {
        pick: this.#options.policy,
        margin: this.#options.margin,
        lossErrorBound: { f32: F32_LOSS_NOISE, low: this.#bound().loss },
        exclude: (targetId) => book.excluded(targetId),
        signal,
      });
      const again = new Set<string>();
      for (const hit of hits) {
        const open = byId.get(hit.targetId);
        if (open === undefined) continue;
        if (!hit.nearTie) {
          const candidate = this.#candidate(open, readyAt, hit);
          if (candidate !== undefined) candidates.push(candidate);
          continue;
        }
        if (!(await this.#rescore(open, hit.sampleId, signal))) book.exclude(hit.targetId, hit.sampleId);
        again.add(hit.targetId);
      }
      wanted = wanted.filter((target) => again.has(target.id));
    }
    return candidates.filter((candidate) => store.sampleSize(candidate.sampleId) !== undefined);
  }

  /** Scores a sample in f32 under all models of a target; false when it already was, so that nothing can change. */
  async #rescore(open: OpenTarget, sampleId: number, signal: AbortSignal): Promise<boolean> {
    const { models, store } = this.#deps;
    let changed = false;
    for (const id of open.target.modelIds) {
      const model = models.get(id);
      const loaded = model && models.loaded(model);
      if (model === undefined || loaded === undefined) return false;
      if (store.score(sampleId, model.key)?.precision === 'f32') continue;
      const [score] = await loaded.score([store.sample(sampleId).bytes], { precision: 'f32', signal });
      if (score === undefined) return false;
      await store.appendScores(model.key, [{ sampleId, ...score }]);
      changed = true;
    }
    return changed;
  }

  #candidate(open: OpenTarget, readyAt: number, hit: MatchHit): Candidate | undefined {
    const modelId = open.target.modelIds[hit.winner];
    const score = this.#deps.store.score(hit.sampleId, hit.model);
    if (modelId === undefined || score === undefined || !Number.isFinite(score.loss)) return undefined;
    const { sampleId, sizeBytes, distance } = hit;
    const { origin } = this.#deps.store.sample(sampleId);
    return {
      open,
      readyAt,
      sampleId,
      sizeBytes,
      origin,
      modelId,
      loss: score.loss,
      embedding: score.embedding,
      distance,
    };
  }

  /** The widest error bound of the loaded models. */
  #bound(): ErrorBound {
    const bounds = this.#deps.models.active.flatMap((model) => this.#deps.models.loaded(model)?.errorBound ?? []);
    return {
      loss: Math.max(F32_LOSS_NOISE, ...bounds.map((bound) => bound.loss)),
      distance: Math.max(0, ...bounds.map((bound) => bound.distance)),
    };
  }
}
