import {
  type ComposePolicy,
  Composer,
  type Composition,
  composedOrigin,
  joinParts,
  type MatchTarget,
  type Store,
} from '../../store/index.js';
import { matchTarget, type OpenTarget, type OpenTargets } from '../feed/open-targets.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';
import { isSearched } from '../search/searched-origin.js';
import type { Candidate } from './candidate.js';

export interface TargetComposerOptions {
  /** How far inside the threshold a composition must lie, cosine distance. */
  readonly margin: number;
  /** Fewest parts first. */
  readonly fewest: boolean;
  /** Chunks of a batch, tokens of a chunk. */
  readonly shape: { readonly batchSize: number; readonly sequenceLength: number };
}

export interface TargetComposerDeps {
  readonly store: Store;
  readonly models: ModelCatalogue;
  readonly book: OpenTargets;
  /** Bytes that one submission may have, by the protocol and the budget. */
  readonly maxBytes: () => number;
}

/** Rows grow by this factor before unreachable targets are tried again. */
const GROWTH = 1.1;
/** Times a composition is searched again after its parts were scored in f32. */
const MAX_ATTEMPTS = 4;
/** Targets searched for together. */
const GROUP = 48;
/** f32 implementations differ by this much in the loss of a part; rows in low precision are only a start, see below. */
const LOSS_BOUNDS = { f32: 1e-5, low: 2e-3 };

interface Wanted {
  readonly open: OpenTarget;
  readonly wanted: MatchTarget;
}

/** Joins stored chunks for targets that no single sample hits. A joined sample becomes a row of the store like any other. */
export class TargetComposer {
  readonly #options: TargetComposerOptions;
  readonly #deps: TargetComposerDeps;
  readonly #composer: Composer;
  #triedAt = 0;

  constructor(options: TargetComposerOptions, deps: TargetComposerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#composer = new Composer(deps.store, { chunkBytes: options.shape.sequenceLength });
  }

  /** Parts that one submission may have, by the protocol and the budget. */
  get maxParts(): number {
    const { batchSize, sequenceLength } = this.#options.shape;
    return Math.min(batchSize, Math.floor(this.#deps.maxBytes() / sequenceLength));
  }

  /** Whether so many samples came since open targets were last composed for that more may be reached. */
  isDue(finished: boolean): boolean {
    const { sampleCount } = this.#deps.store;
    return sampleCount > this.#triedAt && (finished || sampleCount >= this.#triedAt * GROWTH);
  }

  /** At most one candidate for each target without a submission in flight, among all open ones where none are named. */
  async *candidates(
    targets: readonly OpenTarget[] | undefined,
    readyAt: number,
    signal: AbortSignal,
  ): AsyncGenerator<Candidate> {
    const { book, store } = this.#deps;
    const seen = store.sampleCount;
    const available = new Set(book.available);
    // A composition has two parts at least: with less money for bonds there is nothing to search.
    if ((this.#policy().maxParts ?? 0) < 2) return;
    for (const group of this.#groups(targets ?? [...available], targets === undefined)) {
      if (targets === undefined) await this.#composer.refresh(group[0]?.wanted, signal);
      const still = group.filter(({ open }) => available.has(open));
      const found = await this.#composer.compose(
        still.map(({ wanted }) => wanted),
        this.#policy(),
      );
      for (const [i, { open, wanted }] of still.entries()) {
        if (signal.aborted) return;
        const candidate = await this.#settle(open, wanted, found[i], readyAt, signal);
        if (candidate !== undefined) yield candidate;
      }
    }
    if (targets === undefined) this.#triedAt = seen;
  }

  close(): Promise<void> {
    return this.#composer.close();
  }

  /**
   * The closest composition to each target, hit or not, one part included; none where a model has no scores yet.
   *
   * @param maxParts default: as many as one submission may have
   */
  async closest(
    targets: readonly OpenTarget[],
    maxParts = this.maxParts,
  ): Promise<(Wanted & { readonly closest: Composition })[]> {
    const all: (Wanted & { readonly closest: Composition })[] = [];
    for (const group of this.#groups(targets, false)) {
      const found = await this.#composer.closest(
        group.map(({ wanted }) => wanted),
        { ...this.#policy(), maxParts },
      );
      for (const [i, each] of group.entries()) {
        const closest = found[i];
        if (closest !== undefined) all.push({ ...each, closest });
      }
    }
    return all;
  }

  /** A candidate of parts that were found elsewhere; undefined when, in f32, they do not hit. */
  async candidateOfParts(
    open: OpenTarget,
    wanted: MatchTarget,
    { parts, winner }: Pick<Composition, 'parts' | 'winner'>,
    readyAt: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    if (parts.length < 2 || !(await this.#rescore(open, parts, signal))) return undefined;
    const found = await this.#composer.evaluate(wanted, parts, winner, LOSS_BOUNDS);
    if (found === undefined || found.distance > wanted.threshold - this.#options.margin) return undefined;
    return this.#candidate(open, wanted, found, readyAt);
  }

  /** Targets that name the same models, those of most targets first where all are tried, a few dozen at a time. */
  #groups(targets: readonly OpenTarget[], largestFirst: boolean): Wanted[][] {
    const { models } = this.#deps;
    const sets = new Map<string, Wanted[]>();
    for (const open of targets) {
      const wanted = matchTarget(open.target, models.keysOf(open.target.modelIds));
      if (wanted === undefined) continue;
      const id = open.target.modelIds.join();
      const group = sets.get(id);
      if (group === undefined) sets.set(id, [{ open, wanted }]);
      else group.push({ open, wanted });
    }
    const groups = [...sets.values()];
    if (largestFirst) groups.sort((a, b) => b.length - a.length);
    return groups.flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / GROUP) }, (_, i) => group.slice(i * GROUP, (i + 1) * GROUP)),
    );
  }

  #policy(): ComposePolicy {
    const { margin, fewest } = this.#options;
    return { maxParts: this.maxParts, margin, fewest, lossErrorBound: LOSS_BOUNDS };
  }

  /** Where a part was scored in low precision, scores that part again in f32 and searches anew. */
  async #settle(
    open: OpenTarget,
    wanted: MatchTarget,
    found: Composition | undefined,
    readyAt: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    for (let attempt = 1; ; attempt++) {
      // One part is a sample that the matcher refused, or left because it is too close to call.
      if (found === undefined || found.parts.length < 2) return undefined;
      if (found.isF32) return this.#candidate(open, wanted, found, readyAt);
      if (attempt === MAX_ATTEMPTS || !(await this.#rescore(open, found.parts, signal))) return undefined;
      [found] = await this.#composer.compose([wanted], this.#policy());
    }
  }

  /** Scores parts in f32 under every model of the target that has them in less; false when a model is not loaded. */
  async #rescore(open: OpenTarget, parts: readonly number[], signal: AbortSignal): Promise<boolean> {
    const { models, store } = this.#deps;
    for (const id of open.target.modelIds) {
      const model = models.get(id);
      const loaded = model === undefined ? undefined : models.loaded(model);
      if (model === undefined || loaded === undefined) return false;
      const low = [...new Set(parts)].filter((part) => store.score(part, model.key)?.precision !== 'f32');
      if (low.length === 0) continue;
      const samples = low.map((part) => store.sample(part).bytes);
      const scores = await loaded.score(samples, { precision: 'f32', signal });
      await store.appendScores(
        model.key,
        scores.map((score, i) => ({ sampleId: low[i]!, ...score })),
      );
    }
    return true;
  }

  async #candidate(
    open: OpenTarget,
    wanted: MatchTarget,
    { parts, scores, winner, distance }: Composition,
    readyAt: number,
  ): Promise<Candidate | undefined> {
    const { store, book } = this.#deps;
    const { bytes } = joinParts(
      parts.map((id) => store.sample(id).bytes),
      this.#options.shape,
    );
    const origin = composedOrigin(parts);
    const [sample] = await store.appendSamples([{ bytes, origin }]);
    const score = scores[winner];
    const modelId = open.target.modelIds[winner];
    if (sample === undefined || score === undefined || modelId === undefined) return undefined;
    const sampleId = sample.id;
    if (book.excluded(open.target.id)?.has(sampleId)) return undefined;
    for (const [index, key] of wanted.models.entries()) {
      if (store.score(sampleId, key)?.precision === 'f32') continue;
      await store.appendScores(key, [{ sampleId, ...scores[index]!, precision: 'f32' }]);
    }
    const { loss, embedding } = score;
    readyAt = Math.max(readyAt, open.seenAt);
    const searched = isSearched(store, origin);
    const sizeBytes = bytes.length;
    return { open, readyAt, sampleId, sizeBytes, origin, searched, modelId, loss, embedding, distance };
  }
}
