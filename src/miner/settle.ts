import { decodeSignedTransaction } from '../soma/chain/index.js';
import type { SomaClient } from '../soma/client/soma-client.js';
import type { SubmissionOutcome } from './events.js';
import type { Journal, JournalSubmission } from './journal.js';
import { outcomeOfError, outcomeOfResult } from './outcome.js';

export interface SettleDeps {
  readonly journal: Journal;
  readonly client: SomaClient;
}

/**
 * Finds out what became of submissions whose answer never came, by sending the very same signed bytes again: a
 * transaction that was executed answers with its effects, one that was not is executed now, and one whose coins have
 * moved on is refused for good. In no case can it count twice.
 *
 * @param skip digests that are in flight right now
 * @param onOutcome told what each came to; `unknown` when the node could not be asked
 */
export async function settleSubmissions(
  deps: SettleDeps,
  skip: ReadonlySet<string>,
  onOutcome: (submission: JournalSubmission, outcome: SubmissionOutcome) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const submission of deps.journal.unsettledSubmissions()) {
    if (signal.aborted) return;
    if (!skip.has(submission.digest)) onOutcome(submission, await settleOne(submission, deps, signal));
  }
}

async function settleOne(
  submission: JournalSubmission,
  { journal, client }: SettleDeps,
  signal: AbortSignal,
): Promise<SubmissionOutcome> {
  const signed = decodeSignedTransaction(submission.signed);
  const outcome = await client.executeTransaction(signed, { signal }).then(outcomeOfResult, outcomeOfError);
  journal.settleSubmission(submission.digest, outcome.kind, {
    ...('reason' in outcome && { reason: outcome.reason }),
    ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
  });
  return outcome;
}
