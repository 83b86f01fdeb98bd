import { bytesToHex } from '@noble/hashes/utils.js';
import PQueue from 'p-queue';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import type { DataHost } from '../../hosting/index.js';
import { type Backoff, retry } from '../../http/index.js';
import { bpsMul, encodeSignedTransaction, manifestOf, type SignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import { defaultMaxBond } from '../../soma/client/account/spending-limits.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import { partsOfOrigin, type Store } from '../../store/index.js';
import type { OpenTargets } from '../feed/open-targets.js';
import type { Journal } from '../journal/journal.js';
import type { Candidate } from '../match/candidate.js';
import type { MinerEmitter, SubmissionOutcome } from '../run/events.js';
import type { MinerStats } from '../run/stats.js';
import { outcomeOfError, outcomeOfResult } from './outcome.js';

export interface SubmitterOptions {
  /** Transactions in flight at once; each holds its own coins. */
  readonly maxInFlight: number;
  /** Accepted submissions that are enough (hits with `dryRun`). */
  readonly maxAccepted?: number | undefined;
  /** Largest bond of one submission. */
  readonly maxBondShannons?: bigint | undefined;
  /** Targets that pay less are left alone. */
  readonly minRewardShannons?: bigint | undefined;
  /** No submission starts while the balance is below. */
  readonly minBalanceShannons?: bigint | undefined;
  /** Find and report hits, send nothing. */
  readonly dryRun: boolean;
}

/** What the chain's parameters say about submissions. */
export interface SubmissionLimits {
  /** Shannons. */
  readonly bondPerByte: bigint;
  readonly maxBytes: number;
  /** The submitter's part of a target's reward, basis points. */
  readonly rewardShareBps: bigint;
}

export interface SubmitterDeps {
  readonly account: SomaAccount;
  readonly journal: Journal;
  readonly host: DataHost;
  readonly store: Store;
  readonly book: OpenTargets;
  readonly stats: MinerStats;
  readonly emitter: MinerEmitter;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: () => SubmissionLimits;
  /** Told that candidates may be offered again which were turned away while enough submissions were in flight. */
  readonly onRoom: () => void;
}

const HOSTING_RETRIES = 6;
const HOSTING_BACKOFF: Backoff = { baseMs: 250, maxMs: 5_000 };

/** Takes candidates to the chain: guarded, hosted, journalled, sent, settled. */
export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #deps: SubmitterDeps;
  readonly #queue: PQueue;
  readonly #inFlight = new Set<string>();
  readonly #unknown = new Set<string>();
  /** URLs of data hosted in this run, by checksum. */
  readonly #hosted = new Map<string, string>();
  /** Checksums between publishing and the journal: not to be released. */
  readonly #publishing = new Set<string>();
  #turnedAway = false;
  /** What a submission needed that all coins together did not hold; none starts until they do. */
  #lacksShannons: bigint | undefined;
  /** Bonds of submissions that are queued or in flight. */
  #reservedShannons = 0n;
  /** Fires when the drain has lasted long enough. */
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
   * Whether no candidate is taken now: as many submissions as are wanted are accepted, or may be once their answers are
   * here. Whoever asks is told by `onRoom` when one of those fails.
   */
  get full(): boolean {
    const { maxAccepted, dryRun } = this.#options;
    if (maxAccepted === undefined) return false;
    const { stats } = this.#deps;
    const taken = dryRun ? stats.hits : stats.outcomes.accepted + this.#unknown.size + this.pending;
    const isFull = taken >= maxAccepted;
    this.#turnedAway ||= isFull;
    return isFull;
  }

  /** Bytes that a submission may have, by the protocol's limit and the largest bond. */
  get affordableBytes(): number {
    const { maxBytes, bondPerByte } = this.#deps.limits();
    const { maxBondShannons } = this.#options;
    if (maxBondShannons === undefined || bondPerByte === 0n) return maxBytes;
    return Math.min(maxBytes, Number(maxBondShannons / bondPerByte));
  }

  /** Queues a candidate unless its target is taken or a guard forbids it. */
  offer(candidate: Candidate, signal: AbortSignal): boolean {
    const { book, emitter, stats, journal } = this.#deps;
    const { target } = candidate.open;
    if (
      this.full ||
      this.#isPoor() ||
      !this.#allowed(candidate) ||
      journal.hasLiveSubmission(target.id) ||
      !book.take(target.id)
    )
      return false;
    stats.hits++;
    emitter.emit('hit', {
      targetId: target.id,
      distance: candidate.distance,
      threshold: target.distanceThreshold,
      origin: candidate.origin,
    });
    if (this.#options.dryRun) return true;
    const bond = this.#bondOf(candidate);
    this.#reservedShannons += bond;
    void this.#queue
      .add(() => this.#run(candidate, signal))
      .catch((error: unknown) => {
        emitter.emit('warning', { error: toQuarryError(error, 'submitting') });
      })
      .finally(() => {
        this.#reservedShannons -= bond;
        this.#tellRoom();
      });
    return true;
  }

  /** Digests that wait for their answer right now. */
  get inFlight(): ReadonlySet<string> {
    return this.#inFlight;
  }

  /** Takes over what a submission without an answer came to in the end. */
  settled(targetId: string, digest: string, outcome: SubmissionOutcome): void {
    const { book, stats } = this.#deps;
    if (outcome.kind === 'unknown') return void this.#unknown.add(digest);
    if (this.#unknown.delete(digest)) stats.outcomes.unknown--;
    stats.count(outcome);
    if ('feeShannons' in outcome) stats.resentFeesShannons += outcome.feeShannons;
    if (outcome.kind !== 'rejected') book.remove(targetId);
    book.release(targetId);
    this.#tellRoom();
  }

  #tellRoom(): void {
    if (!this.#turnedAway) return;
    this.#turnedAway = false;
    if (!this.full) this.#deps.onRoom();
  }

  /** Whether submissions may go on that were held back for want of money; reads the coins again. */
  async refunded(signal: AbortSignal): Promise<boolean> {
    if (!this.#isPoor()) return false;
    await this.#deps.account.pool.refresh(signal);
    return !this.#isPoor();
  }

  #noteLack({ code, details }: QuarryError): void {
    const { requiredShannons } = details;
    if (code === 'INSUFFICIENT_FUNDS' && typeof requiredShannons === 'bigint') this.#lacksShannons = requiredShannons;
  }

  #isPoor(): boolean {
    const isPoor =
      this.#lacksShannons !== undefined && this.#deps.account.pool.state.totalShannons < this.#lacksShannons;
    if (!isPoor) this.#lacksShannons = undefined;
    return isPoor;
  }

  /** Resolves when nothing is queued or in flight. */
  async idle(): Promise<void> {
    await this.#queue.onIdle();
  }

  /**
   * Drops what is queued and not begun, and waits for what is in flight, for at most `graceMs`: an answer that comes
   * later is settled by the next run.
   */
  async drain(graceMs: number): Promise<void> {
    this.#queue.clear();
    const timer = setTimeout(() => this.#grace.abort(), graceMs);
    await this.#queue.onIdle();
    clearTimeout(timer);
  }

  /** Holds queued submissions back until `resume`; those in flight go their way. */
  pause(): void {
    this.#queue.pause();
  }

  resume(): void {
    this.#queue.start();
  }

  /** Stops hosting data whose audit window is over in `epoch`. */
  async release(epoch: bigint, signal: AbortSignal): Promise<void> {
    const { journal, host } = this.#deps;
    for (const checksum of journal.hostingsToRelease(epoch)) {
      // A submission of this very moment may want the bytes again; then they stay.
      if (signal.aborted) return;
      if (this.#publishing.has(checksum) || !journal.releaseHosting(checksum, epoch)) continue;
      this.#hosted.delete(checksum);
      await host.remove(checksum, signal);
    }
  }

  #bondOf(candidate: Candidate): bigint {
    return BigInt(candidate.sizeBytes) * this.#deps.limits().bondPerByte;
  }

  #allowed(candidate: Candidate): boolean {
    const { account, book, limits } = this.#deps;
    const { target } = candidate.open;
    const { maxBondShannons, minRewardShannons, minBalanceShannons } = this.#options;
    const { maxBytes } = limits();
    const bond = this.#bondOf(candidate);
    const left = account.pool.state.totalShannons - this.#reservedShannons - bond;
    if (minRewardShannons !== undefined && target.rewardPoolShannons < minRewardShannons) return false;
    if (minBalanceShannons !== undefined && left < minBalanceShannons) return false;
    if (candidate.sizeBytes > maxBytes || bond > (maxBondShannons ?? defaultMaxBond(candidate.sizeBytes))) {
      // Another, smaller sample may still fit the target.
      book.exclude(target.id, candidate.sampleId);
      return false;
    }
    return true;
  }

  async #run(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { book, emitter, stats, now } = this.#deps;
    const { target } = candidate.open;
    // Submissions queued behind others may have been overtaken.
    if (signal.aborted || book.get(target.id) === undefined) return book.release(target.id);
    let digest = '';
    let outcome: SubmissionOutcome;
    try {
      ({ digest, outcome } = await this.#attempt(candidate, signal));
    } catch (error) {
      const failure = toQuarryError(error, 'submitting');
      book.release(target.id);
      if (failure.code !== 'ABORTED' && !this.#isPoor()) emitter.emit('warning', { error: failure });
      this.#noteLack(failure);
      return;
    }
    const latencyMs = now() - candidate.readyAt;
    stats.count(outcome);
    if (partsOfOrigin(candidate.origin) !== undefined) stats.composed++;
    if (outcome.kind === 'unknown') this.#unknown.add(digest);
    // An accepted or lost target is gone; a rejected sample is not offered again; an unknown outcome keeps the target.
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
      rewardShannons: bpsMul(target.rewardPoolShannons, this.#deps.limits().rewardShareBps),
    });
  }

  async #attempt(candidate: Candidate, signal: AbortSignal): Promise<{ digest: string; outcome: SubmissionOutcome }> {
    const { account, journal, stats, emitter, now, limits } = this.#deps;
    const { target } = candidate.open;
    const { bytes, url, checksum } = await this.#hostSample(candidate, signal);
    // Hosting takes a while elsewhere: a target that is gone by now would only cost the fee.
    if (this.#deps.book.get(target.id) === undefined)
      throw new QuarryError('ABORTED', 'the target was filled meanwhile');
    const bondShannons = BigInt(bytes.byteLength) * limits().bondPerByte;
    let digest = '';
    let superseded = '';
    const onSuperseded = ({ digest: cancelled, effects }: TransactionResult): void => {
      const feeShannons = effects.fee.totalFee;
      journal.settleSubmission(cancelled, 'rejected', { reason: 'congestion', feeShannons });
      superseded = cancelled;
    };
    const onSigned = (signed: SignedTransaction): void => {
      // Without that, a second signature means that the first was refused for its coins, and never will be executed.
      if (digest !== '' && digest !== superseded)
        journal.settleSubmission(digest, 'rejected', { reason: 'coin conflict' });
      this.#inFlight.delete(digest);
      journal.recordSubmission(
        {
          targetId: target.id,
          checksum,
          modelId: candidate.modelId,
          digest: signed.digest,
          signed: encodeSignedTransaction(signed),
          epoch: target.generationEpoch,
          bondShannons,
          rewardShannons: target.rewardPoolShannons,
        },
        {
          origin: candidate.origin,
          distance: candidate.distance,
          threshold: target.distanceThreshold,
          shareShannons: bpsMul(target.rewardPoolShannons, limits().rewardShareBps),
        },
      );
      digest = signed.digest;
      this.#inFlight.add(digest);
      const latencyMs = now() - candidate.readyAt;
      stats.spawnToSubmit.record(latencyMs);
      emitter.emit('submitted', { targetId: target.id, digest, latencyMs });
    };
    const sending = account.submitData({
      targetId: target.id,
      manifest: manifestOf(url, bytes),
      modelId: candidate.modelId,
      embedding: candidate.embedding,
      distance: candidate.distance,
      loss: candidate.loss,
      wait: false,
      signal: this.#grace.signal,
      onSigned,
      onSuperseded,
    });
    try {
      const outcome = await sending.then(outcomeOfResult, (error: unknown) => {
        // Nothing was signed, or what was is settled: no coin, no parameters. That is the caller's to report.
        if (digest === '' || digest === superseded) throw error;
        return outcomeOfError(error);
      });
      stats.submitted++;
      journal.settleSubmission(digest, outcome.kind, {
        ...('reason' in outcome && { reason: outcome.reason }),
        ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
        latencyMs: now() - candidate.readyAt,
      });
      return { digest, outcome };
    } finally {
      this.#inFlight.delete(digest);
    }
  }

  /** Hosted before submitted, always: an auditor may ask at once. */
  async #hostSample(
    candidate: Candidate,
    signal: AbortSignal,
  ): Promise<{ bytes: Uint8Array; url: string; checksum: string }> {
    const { store, journal } = this.#deps;
    const sample = store.sample(candidate.sampleId);
    const checksum = bytesToHex(sample.checksum);
    let url = this.#hosted.get(checksum);
    this.#publishing.add(checksum);
    try {
      url ??= await this.#publish(checksum, sample.bytes, candidate, signal);
      this.#hosted.set(checksum, url);
      journal.recordHosting(checksum, url, candidate.open.target.generationEpoch);
    } finally {
      this.#publishing.delete(checksum);
    }
    return { bytes: sample.bytes, url, checksum };
  }

  /** Publishes, again after failures that may pass, for as long as the target is there to be won. */
  async #publish(checksum: string, bytes: Uint8Array, { open }: Candidate, signal: AbortSignal): Promise<string> {
    return retry(() => this.#deps.host.publish(checksum, bytes, signal), {
      attempts: HOSTING_RETRIES + 1,
      backoff: HOSTING_BACKOFF,
      isRetryable: (error) =>
        toQuarryError(error, 'hosting').retryable && this.#deps.book.get(open.target.id) !== undefined,
      signal,
    }).catch((error: unknown) => {
      throw toQuarryError(error, 'hosting');
    });
  }
}
