import { bpsMul, encodeSignedTransaction, manifestOf, type SignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { Journal } from '../journal/journal.js';
import type { Candidate } from '../match/candidate.js';
import type { MinerEmitter, SubmissionOutcome } from '../run/events.js';
import type { MinerStats } from '../run/stats.js';
import { outcomeOfError, outcomeOfResult } from './outcome.js';
import type { HostedSample } from './sample-hosting.js';
import type { SubmissionLimits } from './submission-limits.js';

export interface SubmissionDeps {
  readonly account: Pick<SomaAccount, 'submitData'>;
  readonly journal: Journal;
  readonly stats: MinerStats;
  readonly emitter: MinerEmitter;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: () => SubmissionLimits;
  /** Digests that wait for their answer right now. */
  readonly inFlight: Set<string>;
}

/** A submission that was sent, and what the network answered. */
export interface SentSubmission {
  readonly digest: string;
  readonly outcome: SubmissionOutcome;
}

/** One candidate on its way to the chain: every signature is in the journal before it leaves. */
export class Submission {
  readonly #candidate: Candidate;
  readonly #sample: HostedSample;
  readonly #deps: SubmissionDeps;
  /** Of the signature that was sent last. */
  #digest = '';
  /** Of a signature that the network executed and cancelled. */
  #superseded = '';

  constructor(candidate: Candidate, sample: HostedSample, deps: SubmissionDeps) {
    this.#candidate = candidate;
    this.#sample = sample;
    this.#deps = deps;
  }

  /**
   * Signs, journals, sends and records the answer.
   *
   * @throws QuarryError when nothing was signed, or what was is settled: no coin, no parameters
   */
  async send(signal: AbortSignal): Promise<SentSubmission> {
    const { account, journal, stats, now, inFlight } = this.#deps;
    const { open, modelId, embedding, distance, loss, readyAt } = this.#candidate;
    const sending = account.submitData({
      targetId: open.target.id,
      manifest: manifestOf(this.#sample.url, this.#sample.bytes),
      modelId,
      embedding,
      distance,
      loss,
      wait: false,
      signal,
      onSigned: (signed) => this.#record(signed),
      onSuperseded: (cancelled) => this.#supersede(cancelled),
    });
    try {
      const outcome = await sending.then(outcomeOfResult, (error: unknown) => {
        if (this.#digest === '' || this.#digest === this.#superseded) throw error;
        return outcomeOfError(error);
      });
      stats.submitted++;
      journal.submissions.settle(this.#digest, outcome.kind, {
        ...('reason' in outcome && { reason: outcome.reason }),
        ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
        latencyMs: now() - readyAt,
      });
      return { digest: this.#digest, outcome };
    } finally {
      inFlight.delete(this.#digest);
    }
  }

  #supersede({ digest, effects }: TransactionResult): void {
    const feeShannons = effects.fee.totalFee;
    this.#deps.journal.submissions.settle(digest, 'rejected', { reason: 'congestion', feeShannons });
    this.#superseded = digest;
  }

  #record(signed: SignedTransaction): void {
    const { journal, stats, emitter, now, limits, inFlight } = this.#deps;
    const { open, modelId, origin, distance, readyAt } = this.#candidate;
    const { id: targetId, distanceThreshold: threshold, generationEpoch, rewardPoolShannons } = open.target;
    const { bondPerByte, rewardShareBps } = limits();
    // Without that, a second signature means that the first was refused for its coins, and never will be executed.
    if (this.#digest !== '' && this.#digest !== this.#superseded)
      journal.submissions.settle(this.#digest, 'rejected', { reason: 'coin conflict' });
    inFlight.delete(this.#digest);
    journal.submissions.record(
      {
        targetId,
        checksum: this.#sample.checksum,
        modelId,
        digest: signed.digest,
        signed: encodeSignedTransaction(signed),
        epoch: generationEpoch,
        bondShannons: BigInt(this.#sample.bytes.byteLength) * bondPerByte,
        rewardShannons: rewardPoolShannons,
      },
      { origin, distance, threshold, shareShannons: bpsMul(rewardPoolShannons, rewardShareBps) },
    );
    this.#digest = signed.digest;
    inFlight.add(this.#digest);
    const latencyMs = now() - readyAt;
    stats.spawnToSubmit.record(latencyMs);
    emitter.emit('submitted', { targetId, digest: this.#digest, latencyMs });
  }
}
