import { LatestMap } from '../../collections/latest-map.js';
import type { FarRows, FarSample, HitPolicy, MatchTarget, Store } from '../../store/index.js';
import { matchTarget, type OpenTarget, type OpenTargets } from '../feed/open-targets.js';
import { lossBounds, type MatchModels } from './loss-bounds.js';
import type { TargetComposer } from './target-composer.js';

/** Minimum interval between searches of new remote rows, which also take at most half of the time. */
const FRESH_MS = 1_000;
/** Targets for which dismissed samples are remembered. */
const MOST_REMEMBERED = 10_000;

export interface FarMatcherOptions {
  /** Which of several hits to submit. */
  readonly policy: HitPolicy;
  /** How far inside the threshold a hit must lie, cosine distance. */
  readonly margin: number;
}

export interface FarMatcherDeps {
  readonly far: FarRows;
  readonly store: Store;
  readonly models: MatchModels;
  readonly book: OpenTargets;
  readonly composer: Pick<TargetComposer, 'maxParts'>;
  /** Matches stored samples with all open targets and offers the hits. */
  readonly answerWith: (samples: readonly number[], signal: AbortSignal) => Promise<void>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Runs background work; failures are reported. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * A second source of candidates: rows in remote stores. A remote hit is imported into the local store with the scores
 * claimed for it, and from then on treated like any other sample.
 */
export class FarMatcher {
  readonly #options: FarMatcherOptions;
  readonly #deps: FarMatcherDeps;
  /** By target, checksums in hex of remote samples that did not hit it here. */
  readonly #dismissed = new LatestMap<string, Set<string>>(MOST_REMEMBERED);
  #searches = 0;
  #dueAt = Number.NEGATIVE_INFINITY;
  #againForAll = false;

  constructor(options: FarMatcherOptions, deps: FarMatcherDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Whether remote rows are being searched, or there are new ones to search. */
  get busy(): boolean {
    const { far, book } = this.#deps;
    if (this.#searches > 0 || far.busy) return true;
    return (this.#againForAll || far.hasFresh) && far.rows > 0 && this.#wanted(book.available).length > 0;
  }

  /** Makes the next {@link answerOpen} search all remote rows, not only new ones. */
  askAgain(): void {
    this.#againForAll = true;
  }

  /** Searches all remote rows for targets, in the background. */
  answer(targets: readonly OpenTarget[], signal: AbortSignal): void {
    if (targets.length > 0) this.#deps.background(this.#search(targets, false, signal));
  }

  /** Searches new remote rows, or all of them after {@link askAgain}, for every open target when that is due. */
  answerOpen(signal: AbortSignal): void {
    const { far, book, now, background } = this.#deps;
    const isDue = (this.#againForAll && far.rows > 0) || far.hasFresh;
    if (!isDue || this.#searches > 0 || now() < this.#dueAt) return;
    const freshOnly = !this.#againForAll;
    this.#againForAll = false;
    const startedAt = now();
    const search = this.#search(book.available, freshOnly, signal).finally(() => {
      this.#dueAt = Math.max(startedAt + FRESH_MS, 2 * now() - startedAt);
    });
    background(search);
  }

  async #search(targets: readonly OpenTarget[], freshOnly: boolean, signal: AbortSignal): Promise<void> {
    const { far, models, composer } = this.#deps;
    const wanted = this.#wanted(targets);
    if (wanted.length === 0) return;
    const byId = new Map(wanted.map((each) => [each.id, each]));
    const { policy: pick, margin } = this.#options;
    this.#searches++;
    try {
      await far.find(
        wanted,
        {
          pick,
          margin,
          lossErrorBound: lossBounds(models),
          exclude: (targetId) => this.#excluded(targetId),
          freshOnly,
          maxParts: composer.maxParts,
          fewest: pick === 'cheapest',
          signal,
        },
        async (found) => {
          const target = byId.get(found.targetId);
          return target === undefined || this.#take(found, target, signal);
        },
      );
    } finally {
      this.#searches--;
    }
  }

  #wanted(targets: readonly OpenTarget[]): MatchTarget[] {
    const { models } = this.#deps;
    return targets.flatMap(({ target }) => matchTarget(target, models.keysOf(target.modelIds)) ?? []);
  }

  *#excluded(targetId: string): Generator<string> {
    const { book, store } = this.#deps;
    yield* this.#dismissed.get(targetId) ?? [];
    for (const id of book.excluded(targetId) ?? []) {
      const checksum = store.checksum(id);
      if (checksum !== undefined) yield Buffer.from(checksum).toString('hex');
    }
  }

  /** @returns true if the target needs no further samples */
  async #take(found: FarSample, wanted: MatchTarget, signal: AbortSignal): Promise<boolean> {
    const { store, models, book, answerWith } = this.#deps;
    if (signal.aborted || book.get(wanted.id) === undefined) return true;
    const sampleId = await this.#import(found, wanted);
    const policy = { margin: this.#options.margin, lossErrorBound: lossBounds(models) };
    const exclude = (targetId: string): ReadonlySet<number> | undefined => book.excluded(targetId);
    const hits = sampleId === undefined ? [] : await store.matchSamples([sampleId], [wanted], { ...policy, exclude });
    if (sampleId === undefined || hits.length === 0) {
      this.#dismiss(found);
      return false;
    }
    await answerWith([sampleId], signal);
    return true;
  }

  /** Imports a sample into the local store. Local scores take precedence over claimed ones. */
  async #import(found: FarSample, { models }: MatchTarget): Promise<number | undefined> {
    const { store } = this.#deps;
    const known = store.find(found.checksum);
    const missing = models.filter((model) => known === undefined || !store.isScored(known, model));
    if (known !== undefined && missing.length === 0) return known;
    const fetched = await found.fetch();
    if (fetched === undefined) return undefined;
    const [sample] = await store.appendSamples([{ ...fetched, checksum: found.checksum }]);
    if (sample === undefined) return undefined;
    for (const model of missing) {
      const score = found.scores[models.indexOf(model)];
      if (score !== undefined) await store.appendScores(model, [{ sampleId: sample.id, ...score }]);
    }
    return sample.id;
  }

  #dismiss({ targetId, checksum }: FarSample): void {
    const dismissed = this.#dismissed.get(targetId) ?? new Set();
    this.#dismissed.set(targetId, dismissed.add(Buffer.from(checksum).toString('hex')));
  }
}
