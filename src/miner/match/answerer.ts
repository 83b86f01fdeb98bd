import type { Store } from '../../store/index.js';
import type { OpenTarget, OpenTargets } from '../feed/open-targets.js';
import type { MinerStats } from '../run/stats.js';
import type { Submitter } from '../submit/submitter.js';
import type { Candidate, Matcher } from './matcher.js';
import type { TargetComposer } from './target-composer.js';

export interface AnswererDeps {
  readonly store: Store;
  readonly book: OpenTargets;
  readonly matcher: Matcher;
  readonly composer: TargetComposer;
  readonly submitter: Submitter;
  readonly stats: MinerStats;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Takes what the matcher finds to the submitter: for new targets, for new samples, and again for all. */
export class Answerer {
  readonly #deps: AnswererDeps;
  /** Targets that opened and were not matched yet. */
  readonly #waiting = new Set<string>();
  #answering = false;
  #againForAll = false;
  #paused = false;

  constructor(deps: AnswererDeps) {
    this.#deps = deps;
  }

  /** Whether something is being matched, or will be. */
  get busy(): boolean {
    return this.#answering || this.#againForAll;
  }

  /** Asks that every open target be matched again at the next {@link answerAll}: more may fit than before. */
  askAgain(): void {
    this.#againForAll = true;
  }

  /** Leaves new targets unanswered until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#againForAll = true;
  }

  /**
   * A target has appeared: the store may hold its answer. Those that appear during a scan share the next one.
   *
   * @returns the work when there is none under way that takes the target along
   */
  answer(targetId: string, signal: AbortSignal): Promise<void> | undefined {
    this.#waiting.add(targetId);
    return this.#answering ? undefined : this.#answerWaiting(signal);
  }

  /** Matches all open targets with all samples, when that was asked for. */
  async answerAll(signal: AbortSignal): Promise<void> {
    if (!this.#againForAll) return;
    this.#againForAll = false;
    await this.#match(this.#deps.book.available, this.#deps.now(), signal);
  }

  /** Matches freshly scored samples with all open targets. */
  async answerWith(samples: readonly number[], signal: AbortSignal): Promise<void> {
    const { matcher, stats, book, now } = this.#deps;
    stats.rowsScanned.add(samples.length * book.size);
    await this.#offer(matcher.forSamples(samples, now(), signal), signal);
  }

  /**
   * Composes for open targets that nothing else hits, when enough samples came since that was last tried.
   *
   * @param finished no more samples come soon: whatever came since is enough
   */
  async composeForAll(finished: boolean, signal: AbortSignal): Promise<void> {
    const { composer, now } = this.#deps;
    if (!composer.isDue(finished)) return;
    await this.#offer(composer.candidates(undefined, now(), signal), signal);
  }

  async #offer(candidates: AsyncGenerator<Candidate>, signal: AbortSignal): Promise<void> {
    for await (const candidate of candidates) this.#deps.submitter.offer(candidate, signal);
  }

  async #answerWaiting(signal: AbortSignal): Promise<void> {
    this.#answering = true;
    try {
      while (this.#waiting.size > 0 && !signal.aborted) {
        const targets = [...this.#waiting].flatMap((id) => this.#deps.book.get(id) ?? []);
        this.#waiting.clear();
        if (this.#paused) this.#againForAll = true;
        else await this.#match(targets, 0, signal);
      }
    } finally {
      this.#answering = false;
    }
  }

  async #match(targets: readonly OpenTarget[], readyAt: number, signal: AbortSignal): Promise<void> {
    const { matcher, composer, stats, store } = this.#deps;
    stats.rowsScanned.add(store.sampleCount * targets.length);
    await this.#offer(matcher.forTargets(targets, readyAt, signal), signal);
    // What is left was a plain miss.
    await this.#offer(composer.candidates(targets, readyAt, signal), signal);
  }
}
