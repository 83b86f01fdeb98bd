import type { MatchHit, MatchPolicy, MatchTarget, Store } from '../../store/index.js';
import { matchTarget, type OpenTarget, type OpenTargets } from '../feed/open-targets.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';

export interface MatcherOptions {
  /** Which of several fitting samples is submitted. */
  readonly policy: 'first' | 'closest' | 'cheapest';
  /** How far inside the threshold a hit must lie, cosine distance. */
  readonly margin: number;
}

export interface MatcherDeps {
  readonly store: Store;
  readonly models: ModelCatalogue;
  readonly book: OpenTargets;
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
/** A measured bound below this would be luck: bf16 rounds to 8 bits. */
const LEAST_LOW_PRECISION_BOUND = 2e-3;

type Match = (wanted: readonly MatchTarget[], policy: MatchPolicy) => Promise<MatchHit[]>;

/** Finds candidates: a new target against every scored sample, or freshly scored samples against every open target. */
export class Matcher {
  readonly #options: MatcherOptions;
  readonly #deps: MatcherDeps;

  constructor(options: MatcherOptions, deps: MatcherDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** At most one candidate for each target, among all scored samples, as they are decided. */
  forTargets(targets: readonly OpenTarget[], readyAt: number, signal: AbortSignal): AsyncGenerator<Candidate> {
    return this.#settleTies(targets, (wanted, policy) => this.#deps.store.match(wanted, policy), readyAt, signal);
  }

  /** At most one candidate for each open target, among these samples, as they are decided. */
  forSamples(ids: readonly number[], readyAt: number, signal: AbortSignal): AsyncGenerator<Candidate> {
    const match: Match = (wanted, policy) => this.#deps.store.matchSamples(ids, wanted, policy);
    return this.#settleTies(this.#deps.book.available, match, readyAt, signal);
  }

  /**
   * Matches; then scores near-ties again in f32, and matches the targets they belonged to once more: the winner may
   * have changed, and with it the distance. What stays undecided after that is refused for its target.
   */
  async *#settleTies(
    targets: readonly OpenTarget[],
    match: Match,
    readyAt: number,
    signal: AbortSignal,
  ): AsyncGenerator<Candidate> {
    const { book, models } = this.#deps;
    const byId = new Map(targets.map((open) => [open.target.id, open]));
    let wanted = targets.flatMap(({ target }) => matchTarget(target, models.keysOf(target.modelIds)) ?? []);
    while (wanted.length > 0) {
      const hits = await match(wanted, {
        pick: this.#options.policy,
        margin: this.#options.margin,
        lossErrorBound: { f32: F32_LOSS_NOISE, low: this.#lowPrecisionBound() },
        exclude: (targetId) => book.excluded(targetId),
        signal,
      });
      for (const hit of hits) {
        const open = byId.get(hit.targetId);
        const candidate = open === undefined || hit.nearTie ? undefined : this.#candidate(open, readyAt, hit);
        if (candidate !== undefined) yield candidate;
      }
      const again = new Set<string>();
      for (const hit of hits) {
        const open = byId.get(hit.targetId);
        if (open === undefined || !hit.nearTie) continue;
        const outcome = await this.#rescore(open, hit.sampleId, signal);
        // Models that are still on their way bring their targets back when they come up.
        if (outcome === 'not loaded') continue;
        if (outcome === 'undecided') book.exclude(hit.targetId, hit.sampleId);
        again.add(hit.targetId);
      }
      wanted = wanted.filter((target) => again.has(target.id));
    }
  }

  /** Scores a sample in f32 under all models of a target. Undecided: it was in f32 already, and nothing can change. */
  async #rescore(
    open: OpenTarget,
    sampleId: number,
    signal: AbortSignal,
  ): Promise<'rescored' | 'undecided' | 'not loaded'> {
    const { models, store } = this.#deps;
    let changed = false;
    for (const id of open.target.modelIds) {
      const model = models.get(id);
      if (model === undefined) return 'undecided';
      if (store.score(sampleId, model.key)?.precision === 'f32') continue;
      const loaded = models.loaded(model);
      if (loaded === undefined) return 'not loaded';
      const [score] = await loaded.score([store.sample(sampleId).bytes], { precision: 'f32', signal });
      if (score === undefined) return 'undecided';
      await store.appendScores(model.key, [{ sampleId, ...score }]);
      changed = true;
    }
    return changed ? 'rescored' : 'undecided';
  }

  #candidate(open: OpenTarget, readyAt: number, hit: MatchHit): Candidate | undefined {
    const modelId = open.target.modelIds[hit.winner];
    const score = this.#deps.store.score(hit.sampleId, hit.model);
    if (modelId === undefined || score === undefined || !Number.isFinite(score.loss)) return undefined;
    const { sampleId, sizeBytes, distance } = hit;
    const { origin } = this.#deps.store.sample(sampleId);
    return {
      open,
      readyAt: Math.max(readyAt, open.seenAt),
      sampleId,
      sizeBytes,
      origin,
      modelId,
      loss: score.loss,
      embedding: score.embedding,
      distance,
    };
  }

  /**
   * How far a loss computed in low precision may be off: the widest bound measured. Rows may come from an earlier run
   * with another engine; while a model's bound is not known here, every one of them is a near-tie.
   */
  #lowPrecisionBound(): number {
    const { models } = this.#deps;
    const bounds = models.active.map((model) => models.loaded(model)?.errorBound.loss ?? 0);
    if (bounds.some((loss) => loss === 0)) return Number.POSITIVE_INFINITY;
    return Math.max(LEAST_LOW_PRECISION_BOUND, ...bounds);
  }
}
