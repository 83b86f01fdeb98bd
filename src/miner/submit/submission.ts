import { hexToBytes } from '@noble/hashes/utils.js';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { bpsMul, encodeSignedTransaction, normaliseUrl, type SignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { TransactionResult } from '../../soma/client/execute/execute-transaction.js';
import type { Journal } from '../journal/journal.js';
import type { Candidate } from '../match/candidate.js';
import type { SubmissionOutcome } from '../run/events.js';
import { outcomeOfError, outcomeOfResult } from './outcome.js';
import type { HostedSample } from './sample-hosting.js';
import type { SubmissionLimits } from './submission-limits.js';

/** What a submission claims about its data. */
export type SubmissionContent = Omit<Candidate, 'sampleId' | 'sizeBytes'>;

export interface SubmissionDeps {
  readonly account: Pick<SomaAccount, 'submitData'>;
  readonly journal: Pick<Journal, 'submissions' | 'together' | 'afterwards'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly limits: () => SubmissionLimits;
  /** Called with a digest before it is journalled, so that recovery does not treat the record as left over. */
  readonly onRecording: (digest: string) => void;
  /** Called with a digest right before it is sent; `latencyMs` counts from the moment the hit became possible. */
  readonly onSigned: (digest: string, latencyMs: number) => void;
  /** Called with a digest once its answer is no longer awaited. */
  readonly onAnswered: (digest: string) => void;
}

/** A sent submission and its outcome. */
export interface SentSubmission {
  readonly digest: string;
  readonly outcome: SubmissionOutcome;
  /** The error that the call threw, if any. */
  readonly error: QuarryError | undefined;
}

/** One submission. Every signed transaction is journalled before it is sent. */
export class Submission {
  readonly #candidate: SubmissionContent;
  readonly #sample: HostedSample;
  readonly #deps: SubmissionDeps;
  /** Digest of the last transaction sent; empty before that. */
  #digest = '';
  /** Digest of a transaction that was executed but cancelled by congestion. */
  #superseded = '';

  constructor(candidate: SubmissionContent, sample: HostedSample, deps: SubmissionDeps) {
    this.#candidate = candidate;
    this.#sample = sample;
    this.#deps = deps;
  }

  /**
   * Signs, journals and sends the submission, then journals its outcome.
   *
   * @throws QuarryError when no transaction is left open: nothing was signed, or only transactions that are settled
   */
  async send(signal: AbortSignal): Promise<SentSubmission> {
    const { account, journal, now, onAnswered } = this.#deps;
    const { open, modelId, embedding, distance, loss, readyAt } = this.#candidate;
    const { url, checksum, bytes } = this.#sample;
    const sending = account.submitData({
      targetId: open.target.id,
      manifest: { url: normaliseUrl(url), checksum: hexToBytes(checksum), size: BigInt(bytes.byteLength) },
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
      let error: QuarryError | undefined;
      const outcome = await sending.then(outcomeOfResult, (caught: unknown) => {
        if (this.#digest === '' || this.#digest === this.#superseded) throw caught;
        error = toQuarryError(caught, 'submitting');
        return outcomeOfError(error);
      });
      const details = {
        ...('reason' in outcome && { reason: outcome.reason }),
        ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
        latencyMs: now() - readyAt,
      };
      await journal.afterwards(() => journal.submissions.recordOutcome(this.#digest, outcome.kind, details));
      return { digest: this.#digest, outcome, error };
    } finally {
      onAnswered(this.#digest);
    }
  }

  #supersede({ digest, effects }: TransactionResult): void {
    const feeShannons = effects.fee.totalFee;
    this.#deps.journal.submissions.recordOutcome(digest, 'rejected', { reason: 'congestion', feeShannons });
    this.#superseded = digest;
  }

  async #record(signed: SignedTransaction): Promise<void> {
    const { journal, now, limits, onRecording, onSigned, onAnswered } = this.#deps;
    const { open, modelId, origin, distance, readyAt } = this.#candidate;
    const { id: targetId, distanceThreshold: threshold, generationEpoch, rewardPoolShannons } = open.target;
    const { bondPerByte, rewardShareBps } = limits();
    const story = { seenAgoMs: now() - open.seenAt, node: open.seenOn };
    // Unless superseded, an earlier transaction was refused because of its coins and will never be executed.
    const earlier = this.#digest !== '' && this.#digest !== this.#superseded ? this.#digest : undefined;
    onRecording(signed.digest);
    const write = (): void => {
      this.#sample.record?.();
      if (earlier !== undefined) journal.submissions.recordOutcome(earlier, 'rejected', { reason: 'coin conflict' });
      journal.submissions.insert(
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
        { ...story, origin, distance, threshold, shareShannons: bpsMul(rewardPoolShannons, rewardShareBps) },
      );
    };
    try {
      await journal.together(write);
    } catch (error) {
      onAnswered(signed.digest);
      throw error;
    }
    // The earlier digest counts as in flight until it is settled in the journal; otherwise recovery would look it up.
    onAnswered(this.#digest);
    this.#digest = signed.digest;
    onSigned(this.#digest, now() - readyAt);
  }
}
