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
  /** Whose coins paid: those set aside for what is settled are used again. */
  readonly account: Pick<SomaAccount, 'pool'>;
}

/**
 * Finds out what became of submissions whose answer never came, and writes it down. Signed bytes are kept until the
 * outcome is certain.
 *
 * @param skip digests that are in flight right now
 * @param onOutcome called with what each came to; `unknown` when that cannot be found out now
 */
export async function settleSubmissions(
  deps: SettleDeps,
  skip: ReadonlySet<string>,
  onOutcome: (submission: JournalSubmission, outcome: SubmissionOutcome) => void,
  signal: AbortSignal,
): Promise<void> {
  // Before anything is awaited: what is in flight now may be answered, and settled, while others are asked about.
  const open = deps.journal.submissions.unsettled().filter(({ digest }) => !skip.has(digest));
  for (const submission of open) {
    if (signal.aborted) return;
    const outcome = await recover(submission, deps, signal);
    deps.journal.submissions.settle(submission.digest, outcome.kind, {
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
    // Bytes that cannot be read leave this one open, and the others as good as before.
    throwIfAborted(signal, 'recovering a submission');
    return { kind: 'unknown', reason: toQuarryError(error, 'recovering a submission').message };
  }
}
