import PQueue from 'p-queue';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { bpsMul } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { partsOfOrigin } from '../../store/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { Journal } from '../journal/journal.js';
import type { Candidate } from '../match/candidate.js';
import type { MinerEmitter, SubmissionOutcome } from '../run/events.js';
import type { Reach } from '../run/reach.js';
import type { MinerStats } from '../run/stats.js';
import type { ClaimPace } from './claim-pace.js';
import type { HitConfirmation } from './hit-confirmation.js';
import type { SampleHosting } from './sample-hosting.js';
import type { SpendingGuard } from './spending-guard.js';
import { type SentSubmission, Submission } from './submission.js';
import type { SubmissionLimits } from './submission-limits.js';

export interface SubmitterOptions {
  /** Transactions in flight at once; each uses its own coins. */
  readonly maxInFlight: number;
  /** Number of accepted submissions after which none are started (with `dryRun`, hits). */
  readonly maxAccepted?: number | undefined;
  /** Report hits without submitting them. */
  readonly dryRun: boolean;
  /** Accept no candidates, so that matching is skipped. Default false. */
  readonly scoreOnly?: boolean | undefined;
}

export interface SubmitterDeps {
  readonly account: Pick<SomaAccount, 'submitData'>;
  readonly journal: Journal;
  readonly hosting: SampleHosting;
  readonly guard: SpendingGuard;
  readonly confirmation: HitConfirmation;
  readonly book: OpenTargets;
  readonly stats: MinerStats;
  readonly reach: Pick<Reach, 'answered'>;
  /** Told about pending submissions, so that claims yield to them. */
  readonly pace: Pick<ClaimPace, 'queued' | 'ended'>;
  readonly emitter: MinerEmitter;
  /** Told about submissions that failed. */
  readonly report: (failure: QuarryError) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: () => SubmissionLimits;
  /** Called when candidates are accepted again after {@link Submitter.full} was true. */
  readonly onRoom: () => void;
  /** Called after a sample was rejected by the chain or by confirmation: the target may take another one. */
  readonly onRejected: (targetId: string, signal: AbortSignal) => void;
}

/** Submits candidates: checks the spending guard, hosts the data, journals, sends and settles. */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #deps: SubmitterDeps;
  readonly #queue: PQueue;
  readonly #inFlight = new Set<string>();
  readonly #unknown = new Set<string>();
  /** Digests of earlier runs with unknown outcome. */
  readonly #earlier = new Set<string>();
  #turnedAway = false;
  /** Aborts calls in flight when the grace period of {@link drain} is over. */
  readonly #grace = new AbortController();

  constructor(options: SubmitterOptions, deps: SubmitterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#queue = new PQueue({ concurrency: options.maxInFlight });
  }

  /** Submissions queued or in flight. */
  get pending(): number {
    return this.#queue.size + this.#queue.pending;
  }

  /**
   * Whether no more candidates are accepted, because enough submissions are accepted or could still be. After it
   * returned true, `onRoom` is called once that changes.
   */
  get full(): boolean {
    const { maxAccepted, dryRun, scoreOnly = false } = this.#options;
    if (scoreOnly) return true;
    if (maxAccepted === undefined) return false;
    const { stats } = this.#deps;
    const taken = dryRun
      ? stats.hits
      : stats.outcomes.accepted + this.#unknown.size + this.#earlier.size + this.pending;
    const isFull = taken >= maxAccepted;
    this.#turnedAway ||= isFull;
    return isFull;
  }

  /** Queues a candidate, unless its target is reserved or the spending guard refuses; returns whether it was queued. */
  offer(candidate: Candidate, signal: AbortSignal): boolean {
    const { book, emitter, stats, reach, pace, journal, guard } = this.#deps;
    const { target } = candidate.open;
    if (this.full || guard.isPoor) return false;
    const verdict = guard.judge(candidate);
    if (verdict === 'too large') book.exclude(target.id, candidate.sampleId);
    if (verdict !== 'allowed' || journal.submissions.isLive(target.id) || !book.reserve(target.id)) return false;
    stats.hits++;
    reach.answered(target.id);
    emitter.emit('hit', {
      targetId: target.id,
      distance: candidate.distance,
      threshold: target.distanceThreshold,
      origin: candidate.origin,
    });
    if (this.#options.dryRun) return true;
    const giveBack = guard.reserve(guard.bondOf(candidate.sizeBytes));
    pace.queued();
    void this.#queue
      .add(() => this.#run(candidate, signal))
      .catch((error: unknown) => this.#deps.report(toQuarryError(error, 'submitting')))
      .finally(() => {
        giveBack();
        pace.ended();
        this.#tellRoom();
      });
    return true;
  }

  /** Digests whose answers are awaited. */
  get inFlight(): ReadonlySet<string> {
    return this.#inFlight;
  }

  /** Counts unsettled submissions of an earlier run as in flight. */
  expect(digests: Iterable<string>): void {
    for (const digest of digests) this.#earlier.add(digest);
  }

  /** Takes over a recovered outcome. */
  settled(targetId: string, digest: string, outcome: SubmissionOutcome): void {
    const { book, stats } = this.#deps;
    if (outcome.kind === 'unknown') return;
    this.#earlier.delete(digest);
    if (this.#unknown.delete(digest)) stats.outcomes.unknown--;
    stats.count(outcome);
    if ('feeShannons' in outcome) stats.resentFeesShannons += outcome.feeShannons;
    if (outcome.kind !== 'rejected') book.remove(targetId);
    book.release(targetId);
    this.#tellRoom();
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    await this.#queue.onIdle();
  }

  /**
   * Drops queued submissions and waits up to `graceMs` for those in flight. The next run settles any that remain open.
   */
  async drain(graceMs: number): Promise<void> {
    this.#queue.clear();
    const timer = setTimeout(() => this.#grace.abort(), graceMs);
    await this.#queue.onIdle();
    clearTimeout(timer);
  }

  /** Holds queued submissions until `resume`; those in flight continue. */
  pause(): void {
    this.#queue.pause();
  }

  resume(): void {
    this.#queue.start();
  }

  #tellRoom(): void {
    if (!this.#turnedAway) return;
    this.#turnedAway = false;
    if (!this.full) this.#deps.onRoom();
  }

  async #run(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { book, confirmation, guard, report } = this.#deps;
    const { target } = candidate.open;
    // The target may have been filled while this was queued.
    if (signal.aborted || book.get(target.id) === undefined) return book.release(target.id);
    try {
      await confirmation.assertHit(candidate, signal);
      const sent = await this.#attempt(candidate, signal);
      this.#conclude(candidate, sent);
      if (sent.outcome.kind === 'rejected') this.#deps.onRejected(target.id, signal);
    } catch (error) {
      const failure = toQuarryError(error, 'submitting');
      const isRefused = failure.details['sampleId'] === candidate.sampleId;
      if (isRefused) book.exclude(target.id, candidate.sampleId);
      book.release(target.id);
      if (failure.code !== 'ABORTED' && !guard.isPoor) report(failure);
      guard.noteLack(failure);
      if (isRefused) this.#deps.onRejected(target.id, signal);
    }
  }

  async #attempt(candidate: Candidate, signal: AbortSignal): Promise<SentSubmission> {
    const { hosting, book } = this.#deps;
    return hosting.host(candidate, signal, async (sample) => {
      // Publishing can take a while; submitting to a target that is gone would only cost the fee.
      if (book.get(candidate.open.target.id) === undefined)
        throw new QuarryError('ABORTED', 'the target has since been filled');
      const submission = new Submission(candidate, sample, {
        ...this.#deps,
        onRecording: (digest) => this.#inFlight.add(digest),
        onSigned: (digest, latencyMs) => this.#signed(candidate, digest, latencyMs),
        onAnswered: (digest) => this.#inFlight.delete(digest),
      });
      return submission.send(this.#grace.signal);
    });
  }

  #signed({ open }: Candidate, digest: string, latencyMs: number): void {
    const { emitter, stats } = this.#deps;
    stats.spawnToSubmit.record(latencyMs);
    emitter.emit('submitted', { targetId: open.target.id, digest, latencyMs });
  }

  #conclude(candidate: Candidate, { digest, outcome }: SentSubmission): void {
    const { book, emitter, stats, now, limits } = this.#deps;
    const { target } = candidate.open;
    const latencyMs = now() - candidate.readyAt;
    stats.submitted++;
    stats.count(outcome);
    if (partsOfOrigin(candidate.origin) !== undefined) stats.composed++;
    if (candidate.searched === true) stats.searched++;
    if (outcome.kind === 'unknown') this.#unknown.add(digest);
    // Accepted or lost: the target is gone. Rejected: do not offer the sample again. Unknown: keep the target reserved.
    if (outcome.kind === 'accepted' || outcome.kind === 'lost') book.remove(target.id);
    if (outcome.kind === 'rejected') book.exclude(target.id, candidate.sampleId);
    if (outcome.kind !== 'unknown') book.release(target.id);
    emitter.emit('outcome', {
      targetId: target.id,
      digest,
      outcome,
      latencyMs,
      distance: candidate.distance,
      threshold: target.distanceThreshold,
      origin: candidate.origin,
      rewardShannons: bpsMul(target.rewardPoolShannons, limits().rewardShareBps),
    });
  }
}
