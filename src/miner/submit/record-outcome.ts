import { toQuarryError } from '../../errors/index.js';
import { decodeSignedTransaction } from '../../soma/chain/index.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { Journal, JournalSubmission } from '../journal/journal.js';
import type { SubmissionOutcome } from '../run/events.js';
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
  let outcome = await client.executeTransaction(signed, { signal }).then(outcomeOfResult, outcomeOfError);
  if (outcome.kind === 'rejected' && !('feeShannons' in outcome && outcome.feeShannons > 0n)) {
    outcome = await earlierOutcome(submission.digest, client, outcome, signal);
  }
  journal.settleSubmission(submission.digest, outcome.kind, {
    ...('reason' in outcome && { reason: outcome.reason }),
    ...('feeShannons' in outcome && { feeShannons: outcome.feeShannons }),
  });
  return outcome;
}

/** A refusal of bytes that were sent before may be the echo of their own success: the digest says which. */
async function earlierOutcome(
  digest: string,
  client: SomaClient,
  refused: SubmissionOutcome,
  signal: AbortSignal,
): Promise<SubmissionOutcome> {
  try {
    const { effects } = await client.getTransaction(digest, { signal });
    return effects === undefined ? refused : outcomeOfResult({ effects });
  } catch (error) {
    const { code, message } = toQuarryError(error, 'asking for a submission');
    return code === 'NOT_FOUND' ? refused : { kind: 'unknown', reason: message };
  }
}
