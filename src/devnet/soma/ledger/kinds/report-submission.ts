import type { TargetPayload } from '../../../../soma/chain/target.js';
import type { TargetReference } from '../../../../soma/chain/transaction/index.js';
import { activeValidator } from '../../state/validator.js';
import { fail } from '../execution-failure.js';
import type { LedgerObject } from '../ledger-object.js';
import type { TransactionContext } from '../transaction-context.js';

/**
 * The filled target in its audit window.
 *
 * @throws ExecutionStop NotAValidator, TargetNotFound, TargetNotFilled, TargetAlreadyClaimed, AuditWindowClosed
 */
function reportable(
  context: TransactionContext,
  kind: TargetReference,
): { readonly object: LedgerObject; readonly target: TargetPayload } {
  if (activeValidator(context.state.validators, context.sender) === undefined) fail({ kind: 'notAValidator' });
  const { object, target } = context.target(kind.targetId);
  if (target.status.kind === 'claimed') fail({ kind: 'targetAlreadyClaimed' });
  if (target.status.kind !== 'filled') return fail({ kind: 'targetNotFilled' });
  const { fillEpoch } = target.status;
  if (context.epoch !== fillEpoch + 1n) fail({ kind: 'auditWindowClosed', fillEpoch, currentEpoch: context.epoch });
  return { object, target };
}

/** Records a validator's report that a submission is dishonest. */
export function executeReportSubmission(context: TransactionContext, kind: TargetReference): void {
  const { object, target } = reportable(context, kind);
  if (target.submissionReports.includes(context.sender)) return;
  const submissionReports = [...target.submissionReports, context.sender].sort();
  context.write(object, { type: 'Target', target: { ...target, submissionReports } });
}

/** Withdraws such a report. */
export function executeUndoReportSubmission(context: TransactionContext, kind: TargetReference): void {
  const { object, target } = reportable(context, kind);
  if (!target.submissionReports.includes(context.sender)) fail({ kind: 'reportRecordNotFound' });
  const submissionReports = target.submissionReports.filter((each) => each !== context.sender);
  context.write(object, { type: 'Target', target: { ...target, submissionReports } });
}
