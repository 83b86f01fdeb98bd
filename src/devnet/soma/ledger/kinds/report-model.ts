import type { ModelReference } from '../../../../soma/chain/transaction/index.js';
import { withoutReport, withReport } from '../../state/system-state.js';
import { activeValidator } from '../../state/validator.js';
import { fail } from '../execution-failure.js';
import type { TransactionContext } from '../transaction-context.js';

/** @throws ExecutionStop NotAValidator, ModelNotFound, ModelNotActive */
function checkReport(context: TransactionContext, modelId: string): void {
  if (activeValidator(context.state.validators, context.sender) === undefined) fail({ kind: 'notAValidator' });
  const model = context.state.modelRegistry.models.get(modelId);
  if (model === undefined) fail({ kind: 'modelNotFound' });
  if (model.state !== 'active') fail({ kind: 'modelNotActive' });
}

/** Records a validator's report that a model's weights are unavailable. */
export function executeReportModel(context: TransactionContext, kind: ModelReference): void {
  checkReport(context, kind.modelId);
  const registry = context.state.modelRegistry;
  const modelReportRecords = withReport(registry.modelReportRecords, kind.modelId, context.sender);
  context.state = { ...context.state, modelRegistry: { ...registry, modelReportRecords } };
}

/** Withdraws such a report. */
export function executeUndoReportModel(context: TransactionContext, kind: ModelReference): void {
  checkReport(context, kind.modelId);
  const registry = context.state.modelRegistry;
  const modelReportRecords = withoutReport(registry.modelReportRecords, kind.modelId, context.sender);
  if (modelReportRecords === undefined) fail({ kind: 'reportRecordNotFound' });
  context.state = { ...context.state, modelRegistry: { ...registry, modelReportRecords } };
}
