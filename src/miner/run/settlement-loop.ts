import type { OpenTargets } from '../feed/open-targets.js';
import type { Journal } from '../journal/journal.js';
import type { JournalSubmission } from '../journal/submission-records.js';
import type { Matcher } from '../match/matcher.js';
import type { ClaimSchedule } from '../submit/claim-schedule.js';
import type { SampleHosting } from '../submit/sample-hosting.js';
import { type SettleDeps, settleSubmissions } from '../submit/settle-submissions.js';
import type { SpendingGuard } from '../submit/spending-guard.js';
import type { Submitter } from '../submit/submitter.js';
import type { ChainState } from './chain-state.js';
import type { SubmissionOutcome } from './events.js';
import type { Notifier } from './notifier.js';

/** Interval at which unknown outcomes and failed claims are retried and the chain state is re-read. */
const SETTLE_EVERY_MS = 15_000;
/** Sleep between checks of the clock; events end it early. */
const IDLE_MS = 1_000;

export interface SettlementLoopOptions {
  /** Skips settlement: a dry run submits nothing. */
  readonly dryRun: boolean;
}

export interface SettlementLoopDeps extends SettleDeps {
  readonly journal: Journal;
  readonly submitter: Submitter;
  readonly guard: SpendingGuard;
  readonly hosting: Pick<SampleHosting, 'release'>;
  readonly book: OpenTargets;
  readonly matcher: Pick<Matcher, 'askAgain'>;
  readonly claims: ClaimSchedule;
  readonly chain: ChainState;
  readonly wake: Notifier;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Periodically retries what is open: submissions without an answer, failed claims, lack of funds. */
export class SettlementLoop {
  readonly #options: SettlementLoopOptions;
  readonly #deps: SettlementLoopDeps;
  #dueAt: number;
  #settling: Promise<boolean> | undefined;

  constructor(options: SettlementLoopOptions, deps: SettlementLoopDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#dueAt = deps.now() + SETTLE_EVERY_MS;
  }

  /** Runs every {@link SETTLE_EVERY_MS} until the signal fires. */
  async run(succeeded: () => void, signal: AbortSignal): Promise<void> {
    const { now, wake, guard, hosting, book, matcher, claims, journal, chain } = this.#deps;
    while (!signal.aborted) {
      await wake.sleep(IDLE_MS);
      if (now() < this.#dueAt || signal.aborted) continue;
      this.#dueAt = now() + SETTLE_EVERY_MS;
      await this.settle(signal);
      const refunded = await guard.refunded(signal);
      if (book.takeReleased() || refunded) matcher.askAgain();
      if (chain.epoch !== undefined) await hosting.release(chain.epoch, signal);
      if (claims.missed || journal.claims.hasDue(chain.epoch ?? 0n)) claims.start(signal);
      // Re-read parameters and models, so that one wrong answer does not stand for a whole epoch.
      await chain.reread(signal);
      succeeded();
    }
  }

  /**
   * Recovers the outcome of submissions, of this or an earlier run, whose answer never arrived.
   *
   * @returns whether one was rejected, in which case its target may still be open
   */
  settle(signal: AbortSignal): Promise<boolean> {
    // Never run two at once: both would resend the same bytes and count the outcome twice.
    this.#settling ??= this.#settle(signal).finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  /** Counts submissions that an earlier run left open as in flight; returns their number. */
  expectEarlier(): number {
    if (this.#options.dryRun) return 0;
    const { journal, submitter } = this.#deps;
    const digests = journal.submissions.unsettled().map(({ digest }) => digest);
    submitter.expect(digests);
    return digests.length;
  }

  async #settle(signal: AbortSignal): Promise<boolean> {
    const { submitter } = this.#deps;
    if (this.#options.dryRun) return false;
    let refused = false;
    const onOutcome = ({ targetId, digest }: JournalSubmission, outcome: SubmissionOutcome): void => {
      refused ||= outcome.kind === 'rejected';
      submitter.settled(targetId, digest, outcome);
    };
    await settleSubmissions(this.#deps, submitter.inFlight, onOutcome, signal);
    return refused;
  }
}
