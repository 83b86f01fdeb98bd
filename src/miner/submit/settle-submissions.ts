import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import { decodeSignedTransaction } from '../../soma/chain/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { Journal } from '../journal/journal.js';
import type { JournalSubmission } from '../journal/submission-records.js';
import type { SubmissionOutcome } from '../run/events.js';
import { outcomeOfResult } from './outcome.js';

export interface SettleDeps {
  readonly journal: Pick<Journal, 'submissions'>;
  readonly client: Pick<SomaClient, 'recoverTransaction'>;
  /** Quarantined coins of settled submissions return to this account's pool. */
  readonly account: Pick<SomaAccount, 'pool'>;
}

/**
 * Recovers and journals the outcome of submissions whose answer never arrived. Keeps the signed bytes until the outcome
 * is final.
 *
 * @param skip digests that are currently in flight
 * @param onOutcome called with each outcome; `unknown` if it cannot be determined now
 */
export async function settleSubmissions(
  deps: SettleDeps,
  skip: ReadonlySet<string>,
  onOutcome: (submission: JournalSubmission, outcome: SubmissionOutcome) => void,
  signal: AbortSignal,
): Promise<void> {
  // Filter before the first await: `skip` shrinks as submissions in flight are answered.
  const open = deps.journal.submissions.unsettled().filter(({ digest }) => !skip.has(digest));
  for (const submission of open) {
    if (signal.aborted) return;
    const outcome = await recover(submission, deps, signal);
    deps.journal.submissions.recordOutcome(submission.digest, outcome.kind, {
      ...('reason' in outcome && { reason: outcome.reason }),
      ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
    });
    onOutcome(submission, outcome);
  }
}

async function recover(
  { signed }: JournalSubmission,
  { client, account }: SettleDeps,
  signal: AbortSignal,
): Promise<SubmissionOutcome> {
  try {
    const transaction = decodeSignedTransaction(signed);
    const recovery = await client.recoverTransaction(transaction, { signal });
    if (recovery.kind !== 'unknown') {
      account.pool.resolveNamed(transaction.data.gasPayment, recovery.kind === 'executed');
    }
    if (recovery.kind === 'executed') return outcomeOfResult(recovery.result);
    const { message: reason } = recovery.reason;
    return recovery.kind === 'impossible' ? { kind: 'rejected', reason, feeShannons: 0n } : { kind: 'unknown', reason };
  } catch (error) {
    // Undecodable bytes leave only this submission unknown.
    throwIfAborted(signal, 'recovering a submission');
    return { kind: 'unknown', reason: toQuarryError(error, 'recovering a submission').message };
  }
}
