import type { FarRows, HitPolicy, MatchHit, MatchPolicy, MatchTarget, Store } from '../../store/index.js';
import { matchTarget, type OpenTarget, type OpenTargets } from '../feed/open-targets.js';
import type { MinerEmitter } from '../run/events.js';
import type { MinerStats } from '../run/stats.js';
import type { Submitter } from '../submit/submitter.js';
import { type Candidate, candidateOf } from './candidate.js';
import { FarMatcher, type FarMatcherDeps } from './far-matcher.js';
import { lossBounds, type MatchModels } from './loss-bounds.js';
import { SuspectModels } from './suspect-models.js';
import type { TargetComposer } from './target-composer.js';
import { TieSettler } from './tie-settler.js';

export interface MatcherOptions {
  /** Which of several hits to submit. */
  readonly policy: HitPolicy;
  /** How far inside the threshold a hit must lie, cosine distance. */
  readonly margin: number;
}

export interface MatcherDeps {
  readonly store: Store;
  readonly models: MatchModels;
  readonly book: OpenTargets;
  readonly composer: Pick<TargetComposer, 'candidates' | 'isDue' | 'maxParts'>;
  /** Rows on other machines, if any. */
  readonly far: FarRows | undefined;
  readonly submitter: Pick<Submitter, 'offer' | 'full'>;
  readonly stats: Pick<MinerStats, 'rowsScanned'>;
  readonly emitter: MinerEmitter;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Runs background work; failures are reported. */
  readonly background: (work: Promise<void>) => void;
}

/**
 * Submissions started together; they reach the wire before the next wave starts. The first wave is small, since what pays
 * most is in it; each next one is twice as large, since a wave shares a commit of the journal.
 */
const WAVES = { first: 4, largest: 16 };

/** The samples to match: all in the store, or those just scored. */
interface Search {
  readonly readyAt: number;
  readonly match: (wanted: readonly MatchTarget[], policy: MatchPolicy) => Promise<MatchHit[]>;
}

/**
 * Finds hits and offers them to the submitter. Matches new targets with all samples, new samples with all open targets,
 * and on request everything with everything. A decided hit is offered at once; near-ties are first scored again in f32,
 * off the racing path.
 */
export class Matcher {
  readonly #options: MatcherOptions;
  readonly #deps: MatcherDeps;
  readonly #ties: TieSettler;
  readonly #suspects: SuspectModels;
  readonly #far: FarMatcher | undefined;
  /** Opened targets that have not been matched yet. */
  readonly #waiting = new Set<string>();
  #answering = false;
  #againForAll = false;
  #paused = false;

  constructor(options: MatcherOptions, deps: MatcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#ties = new TieSettler(deps);
    this.#suspects = new SuspectModels(deps);
    const { far } = deps;
    const answerWith: FarMatcherDeps['answerWith'] = (samples, signal) => this.answerWith(samples, signal);
    this.#far = far === undefined ? undefined : new FarMatcher(options, { ...deps, far, answerWith });
  }

  /** Whether matching is under way or pending. */
  get busy(): boolean {
    return this.#answering || this.#againForAll || this.#ties.busy || (this.#far?.busy ?? false);
  }

  /** Makes the next {@link answerAll} match every open target again. */
  askAgain(): void {
    this.#againForAll = true;
  }

  /** Stops matching new targets until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#againForAll = true;
  }

  /** Matches a new target with the store. Targets that arrive during a scan share the next one. */
  answer(targetId: string, signal: AbortSignal): void {
    this.#waiting.add(targetId);
    if (!this.#answering) this.#deps.background(this.#answerWaiting(signal));
  }

  /** Matches all open targets with all samples if {@link askAgain} was called. */
  async answerAll(signal: AbortSignal): Promise<void> {
    if (!this.#againForAll) return;
    this.#againForAll = false;
    const targets = this.#deps.book.available;
    const readyAt = this.#deps.now();
    this.#far?.askAgain();
    await this.#answer(targets, this.#amongAll(readyAt), signal);
    await this.#compose(targets, readyAt, signal);
  }

  /**
   * Composes samples for open targets that no single one hits, if the store has grown enough since the last attempt.
   *
   * @param finished no more samples are expected soon, so any growth is enough
   */
  async composeForAll(finished: boolean, signal: AbortSignal): Promise<void> {
    const { composer, now } = this.#deps;
    if (composer.isDue(finished)) await this.#compose(undefined, now(), signal);
  }

  /** Searches new remote rows for all open targets, in the background. */
  answerFromElsewhere(signal: AbortSignal): void {
    this.#far?.answerOpen(signal);
  }

  /** Matches freshly scored samples with all open targets. */
  async answerWith(samples: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, stats, book, now } = this.#deps;
    stats.rowsScanned.add(samples.length * book.size);
    const match: Search['match'] = (wanted, policy) => store.matchSamples(samples, wanted, policy);
    await this.#answer(book.available, { readyAt: now(), match }, signal);
  }

  async #answerWaiting(signal: AbortSignal): Promise<void> {
    this.#answering = true;
    try {
      // Collect all targets of the checkpoint first.
      await promisesSettled();
      while (this.#waiting.size > 0 && !signal.aborted) {
        const targets = [...this.#waiting].flatMap((id) => this.#deps.book.get(id) ?? []);
        this.#waiting.clear();
        if (this.#paused) this.#againForAll = true;
        else {
          this.#far?.answer(targets, signal);
          await this.#answer(targets, this.#amongAll(0), signal);
          await this.#compose(targets, 0, signal);
        }
      }
    } finally {
      this.#answering = false;
    }
  }

  /** Composes samples for the targets that are still available; for all open targets if `targets` is undefined. */
  async #compose(targets: readonly OpenTarget[] | undefined, readyAt: number, signal: AbortSignal): Promise<void> {
    const { composer, submitter } = this.#deps;
    if (submitter.full) return;
    for await (const candidate of composer.candidates(targets, readyAt, signal)) submitter.offer(candidate, signal);
  }

  #amongAll(readyAt: number): Search {
    const { store, stats } = this.#deps;
    return {
      readyAt,
      match: (wanted, policy) => {
        stats.rowsScanned.add(store.sampleCount * wanted.length);
        return store.match(wanted, policy);
      },
    };
  }

  /** Offers decided hits. Settles ties in the background, then matches their targets again. */
  async #answer(targets: readonly OpenTarget[], search: Search, signal: AbortSignal, round = 0): Promise<void> {
    const { book, models, submitter, background } = this.#deps;
    if (submitter.full) return;
    const byId = new Map(targets.map((open) => [open.target.id, open]));
    const wanted = targets.flatMap(({ target }) => matchTarget(target, models.keysOf(target.modelIds)) ?? []);
    if (wanted.length === 0) return;
    const hits = await search.match(wanted, {
      pick: this.#options.policy,
      margin: this.#options.margin,
      lossErrorBound: lossBounds(models),
      nearTies: 'defer',
      exclude: (targetId) => book.excluded(targetId),
      signal,
    });
    const ties: MatchHit[] = [];
    let wave = WAVES.first;
    let offered = 0;
    for (const { hit, open } of richestFirst(hits, byId)) {
      const candidate = hit.nearTie ? undefined : this.#candidate(open, search.readyAt, hit);
      if (candidate === undefined) ties.push(hit);
      else if (submitter.offer(candidate, signal) && ++offered === wave) {
        await promisesSettled();
        wave = Math.min(2 * wave, WAVES.largest);
        offered = 0;
      }
    }
    this.#suspects.look(targets);
    if (ties.length === 0) return;
    const tied = new Set(ties.map((hit) => hit.targetId));
    this.#ties.add({
      targets: targets.filter((open) => tied.has(open.target.id)),
      ties,
      again: (opens, next) => this.#answer(this.#still(opens), search, signal, next),
      round,
    });
    background(this.#ties.settle(signal));
  }

  #candidate(open: OpenTarget, readyAt: number, hit: MatchHit): Candidate | undefined {
    const { store, models } = this.#deps;
    return candidateOf(store, open, readyAt, hit, models.keysOf(open.target.modelIds) ?? []);
  }

  #still(opens: readonly OpenTarget[]): OpenTarget[] {
    const available = new Set(this.#deps.book.available);
    return opens.filter((open) => available.has(open));
  }
}

/** Hits with their targets, highest reward first. */
function richestFirst(
  hits: readonly MatchHit[],
  targets: ReadonlyMap<string, OpenTarget>,
): { readonly hit: MatchHit; readonly open: OpenTarget }[] {
  return hits
    .flatMap((hit) => {
      const open = targets.get(hit.targetId);
      return open === undefined ? [] : [{ hit, open }];
    })
    .sort((a, b) => Number(b.open.target.rewardPoolShannons - a.open.target.rewardPoolShannons));
}

/**
 * Resolves once all pending promise callbacks have run, but before the event loop reads from the network: a wave is
 * sent before any answer is processed.
 */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
