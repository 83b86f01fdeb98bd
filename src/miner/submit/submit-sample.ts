import { QuarryError } from '../../errors/index.js';
import type { SomaAccount } from '../../soma/client/account/soma-account.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { Journal } from '../journal/journal.js';
import type { SubmissionOutcome } from '../run/events.js';
import { quarantineSignedCoins } from './quarantine-signed-coins.js';
import type { HostedSample } from './sample-hosting.js';
import { settleSubmissions } from './settle-submissions.js';
import { Submission, type SubmissionContent } from './submission.js';
import type { SubmissionLimits } from './submission-limits.js';

export interface SubmitSampleDeps {
  readonly client: Pick<SomaClient, 'recoverTransaction'>;
  readonly account: Pick<SomaAccount, 'submitData' | 'pool'>;
  readonly journal: Pick<Journal, 'claims' | 'submissions' | 'together' | 'afterwards'>;
  readonly limits: SubmissionLimits;
}

/** An accepted submission. */
export interface AcceptedSample {
  readonly digest: string;
  readonly feeShannons: bigint;
}

/**
 * Submits one sample as the miner does: journals it before sending, and looks it up by digest if the answer does not
 * come.
 *
 * @throws QuarryError `ALREADY_EXISTS` when the journal has an accepted submission for this target
 * @throws QuarryError `OUTCOME_UNKNOWN` when the outcome cannot be determined; calling again looks it up
 * @throws QuarryError `EXECUTION_FAILED` when execution failed; also whatever refused the transaction
 */
export async function submitSample(
  content: SubmissionContent,
  sample: HostedSample,
  deps: SubmitSampleDeps,
  signal: AbortSignal,
): Promise<AcceptedSample> {
  const { journal, limits } = deps;
  const targetId = content.open.target.id;
  if (journal.submissions.isLive(targetId)) return earlierSubmission(targetId, deps, signal);
  await quarantineSignedCoins(deps, signal);
  const submission = new Submission(content, sample, {
    ...deps,
    limits: () => limits,
    now: () => performance.now(),
    onRecording: () => {},
    onSigned: () => {},
    onAnswered: () => {},
  });
  const { digest, outcome, error } = await submission.send(signal);
  if (outcome.kind === 'unknown') return earlierSubmission(targetId, deps, signal);
  return acceptedOrThrow(digest, outcome, error);
}

/** Recovers the outcome of a submission for this target that was signed before. */
async function earlierSubmission(
  targetId: string,
  deps: SubmitSampleDeps,
  signal: AbortSignal,
): Promise<AcceptedSample> {
  let found: { digest: string; outcome: SubmissionOutcome } | undefined;
  const onOutcome = (submission: { targetId: string; digest: string }, outcome: SubmissionOutcome): void => {
    if (submission.targetId === targetId) found = { digest: submission.digest, outcome };
  };
  await settleSubmissions(deps, new Set(), onOutcome, signal);
  if (found !== undefined) return acceptedOrThrow(found.digest, found.outcome, undefined);
  throw new QuarryError('ALREADY_EXISTS', `the journal has an accepted submission for target ${targetId}`, {
    hint: 'nothing is submitted twice; quarry claim collects its reward when due',
    details: { targetId },
  });
}

function acceptedOrThrow(digest: string, outcome: SubmissionOutcome, error: QuarryError | undefined): AcceptedSample {
  if (outcome.kind === 'accepted') return { digest, feeShannons: outcome.feeShannons };
  if (outcome.kind === 'unknown') {
    throw new QuarryError('OUTCOME_UNKNOWN', `the outcome is unknown for transaction ${digest}: ${outcome.reason}`, {
      hint: 'run the same command again: the journal has the signed transaction, and nothing is submitted twice',
      details: { digest },
      cause: error,
    });
  }
  throw error ?? new QuarryError('EXECUTION_FAILED', `submitting failed: ${outcome.reason}`, { details: { digest } });
}
