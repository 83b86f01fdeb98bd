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
import { scoreStored } from '../score/score-stored.js';
import { isSearched } from '../search/searched-origin.js';
import type { Candidate } from './candidate.js';

export interface TargetComposerOptions {
  /** How far inside the threshold a composition must lie, cosine distance. */
  readonly margin: number;
  /** Prefer compositions with fewer parts. */
  readonly fewest: boolean;
  /** Chunks per batch and bytes per chunk. */
  readonly shape: { readonly batchSize: number; readonly sequenceLength: number };
}

export interface TargetComposerDeps {
  readonly store: Store;
  readonly models: ModelCatalogue;
  readonly book: OpenTargets;
  /** Maximum bytes of a submission, by protocol limit and largest bond. */
  readonly maxBytes: () => number;
}

/** Open targets are composed for again once the store has grown by this factor. */
const GROWTH = 1.1;
/** Searches for one target's composition; between them its parts are scored in f32. */
const MAX_ATTEMPTS = 4;
/** Targets composed for in one pass. */
const GROUP = 48;

interface Wanted {
  readonly open: OpenTarget;
  readonly wanted: MatchTarget;
}

/** Joins stored chunks for targets that no single sample hits. The joined sample is stored like any other. */
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

  /** Maximum parts of a submission, by protocol limit and largest bond. */
  get maxParts(): number {
    const { batchSize, sequenceLength } = this.#options.shape;
    return Math.min(batchSize, Math.floor(this.#deps.maxBytes() / sequenceLength));
  }

  /** Whether the store has grown enough to compose for open targets again; with `finished`, any growth is enough. */
  isDue(finished: boolean): boolean {
    const { sampleCount } = this.#deps.store;
    return sampleCount > this.#triedAt && (finished || sampleCount >= this.#triedAt * GROWTH);
  }

  /** Yields at most one candidate for each available target; for all open targets if `targets` is undefined. */
  async *candidates(
    targets: readonly OpenTarget[] | undefined,
    readyAt: number,
    signal: AbortSignal,
  ): AsyncGenerator<Candidate> {
    const { book, store } = this.#deps;
    const seen = store.sampleCount;
    const available = new Set(book.available);
    // A composition has at least two parts.
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
   * The closest composition to each target, whether it hits or not; may have a single part. Omits targets with a model
   * that has no scores yet.
   *
   * @param maxParts defaults to the maximum of a submission
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

  /** Builds a candidate from given parts, such as those of a search; undefined if in f32 they do not hit. */
  async candidateOfParts(
    open: OpenTarget,
    wanted: MatchTarget,
    { parts, winner }: Pick<Composition, 'parts' | 'winner'>,
    readyAt: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    if (parts.length < 2 || !(await this.#rescore(open, parts, signal))) return undefined;
    const found = await this.#composer.evaluate(wanted, parts, winner);
    if (found === undefined || found.distance > wanted.threshold - this.#options.margin) return undefined;
    return this.#candidate(open, wanted, found, readyAt);
  }

  /**
   * Groups targets that name the same models, at most {@link GROUP} each; `largestFirst` sorts by targets per model
   * list.
   */
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
    // The default loss bounds do: parts in low precision are scored again in f32 before anything relies on them.
    return { maxParts: this.maxParts, margin, fewest };
  }

  /** Re-scores low-precision parts in f32 and searches again, until the composition is all f32. */
  async #settle(
    open: OpenTarget,
    wanted: MatchTarget,
    found: Composition | undefined,
    readyAt: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    for (let attempt = 1; ; attempt++) {
      // A single part is a sample that the matcher excluded or deferred as a near-tie.
      if (found === undefined || found.parts.length < 2) return undefined;
      if (found.isF32) return this.#candidate(open, wanted, found, readyAt);
      if (attempt === MAX_ATTEMPTS || !(await this.#rescore(open, found.parts, signal))) return undefined;
      [found] = await this.#composer.compose([wanted], this.#policy());
    }
  }

  /** Re-scores parts in f32 under the target's models where needed; false if a model is not loaded. */
  async #rescore(open: OpenTarget, parts: readonly number[], signal: AbortSignal): Promise<boolean> {
    const { models, store } = this.#deps;
    for (const id of open.target.modelIds) {
      const model = models.get(id);
      const loaded = model === undefined ? undefined : models.loaded(model);
      if (model === undefined || loaded === undefined) return false;
      const low = [...new Set(parts)].filter((part) => store.score(part, model.key)?.precision !== 'f32');
      await scoreStored(store, model.key, loaded, low, { precision: 'f32', signal });
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
