import type { SampleIngest } from '../feed/sample-ingest.js';
import type { Matcher } from '../match/matcher.js';
import type { ModelLoader } from '../score/model-loader.js';
import type { Scorer } from '../score/scorer.js';
import type { TargetSearcher } from '../search/target-searcher.js';
import type { SharedRows } from '../share/shared-rows.js';
import type { Submitter } from '../submit/submitter.js';
import type { MinerEmitter } from './events.js';
import type { Notifier } from './notifier.js';
import type { MinerStats } from './stats.js';

/** Sleep when there is nothing to do; events end it early. */
const IDLE_MS = 1_000;

export interface MiningLoopOptions {
  readonly maxAccepted?: number | undefined;
  readonly untilSamples?: number | undefined;
  readonly untilIdle?: boolean | undefined;
  readonly dryRun: boolean;
}

export interface MiningLoopDeps {
  readonly loader: ModelLoader;
  readonly matcher: Matcher;
  readonly scorer: Scorer;
  readonly searcher: TargetSearcher;
  readonly ingest: SampleIngest;
  /** Scores that other processes make for this miner, if any. */
  readonly shared: Pick<SharedRows, 'take'> | undefined;
  readonly submitter: Submitter;
  readonly stats: MinerStats;
  readonly emitter: MinerEmitter;
  readonly wake: Notifier;
  readonly paused: () => boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Loads models, scores samples and matches them, round by round. */
export class MiningLoop {
  readonly #options: MiningLoopOptions;
  readonly #deps: MiningLoopDeps;

  constructor(options: MiningLoopOptions, deps: MiningLoopDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Mines until the signal fires, or `maxAccepted` or an `until…` option is met. */
  async run(succeeded: () => void, signal: AbortSignal): Promise<void> {
    const { scorer, wake } = this.#deps;
    try {
      while (!signal.aborted && !this.#isDone()) {
        if (await this.#round(signal)) continue;
        succeeded();
        if (this.#options.untilIdle && this.#isIdle()) return;
        if (!signal.aborted) await wake.sleep(IDLE_MS);
      }
    } finally {
      await scorer.abandon();
    }
  }

  /** One round of mining; returns whether there was anything to do. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { paused, loader, matcher, scorer, searcher, ingest, shared, stats, emitter } = this.#deps;
    if (paused()) return false;
    loader.loadDue(signal);
    await matcher.answerAll(signal);
    matcher.answerFromElsewhere(signal);
    const taken = await shared?.take(signal);
    if (taken !== undefined && taken.scored.length > 0) await matcher.answerWith(taken.scored, signal);
    const { ids, fresh, onlyKnown } = await scorer.round(signal);
    stats.duplicates = ingest.duplicates;
    const idle = ids.length === 0 && !onlyKnown;
    await matcher.composeForAll(idle, signal);
    if (idle) return (await this.#search(true, signal)) || (taken?.more ?? false);
    if (onlyKnown) return this.#letOthersRun();
    searcher.noteScored(ids.length);
    stats.scored.add(fresh);
    stats.samples.add(ingest.taken - stats.samples.total);
    emitter.emit('scored', { samples: fresh, total: stats.scored.total });
    await matcher.answerWith(ids, signal);
    await this.#search(false, signal);
    return true;
  }

  /** Yields to the event loop, which a source that never blocks would otherwise starve. */
  async #letOthersRun(): Promise<true> {
    await new Promise(setImmediate);
    return true;
  }

  /** Runs one search step if the share allows it; returns whether it did. */
  async #search(idle: boolean, signal: AbortSignal): Promise<boolean> {
    const { ingest, searcher, matcher, submitter, stats, now } = this.#deps;
    // A run that ends with its data does not start generating more.
    if (idle && this.#options.untilIdle && ingest.ended) return false;
    if (submitter.full || !searcher.isDue(idle)) return false;
    const step = await searcher.step(idle, now, signal);
    if (step === undefined) return false;
    stats.proposed += step.ids.length;
    await matcher.answerWith(step.ids, signal);
    const { candidate } = step;
    if (candidate !== undefined && !submitter.offer(candidate, signal)) searcher.putBehind(candidate.open.target.id);
    return true;
  }

  #isIdle(): boolean {
    const { ingest, submitter, loader, matcher, paused } = this.#deps;
    return ingest.ended && submitter.pending === 0 && !loader.busy && !matcher.busy && !paused();
  }

  #isDone(): boolean {
    const { maxAccepted, untilSamples, dryRun } = this.#options;
    const { stats } = this.#deps;
    const won = dryRun ? stats.hits : stats.outcomes.accepted;
    if (maxAccepted !== undefined && won >= maxAccepted) return true;
    return untilSamples !== undefined && stats.scored.total >= untilSamples;
  }
}
