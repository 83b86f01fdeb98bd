import type { TransactionKind } from '../../soma/chain/transaction/index.js';
import { fail } from './execution-failure.js';
import { executeAddStake } from './kinds/add-stake.js';
import { executeAddStakeToModel } from './kinds/add-stake-to-model.js';
import { executeClaimRewards } from './kinds/claim-rewards.js';
import { executeCommitModel } from './kinds/commit-model.js';
import { executeCreateModel } from './kinds/create-model.js';
import { executeDeactivateModel, executeSetModelCommissionRate } from './kinds/model-owner-kinds.js';
import { executePayCoins } from './kinds/pay-coins.js';
import { executeReportModel, executeUndoReportModel } from './kinds/report-model.js';
import { executeReportSubmission, executeUndoReportSubmission } from './kinds/report-submission.js';
import { executeRevealModel } from './kinds/reveal-model.js';
import { executeSubmitData } from './kinds/submit-data.js';
import { executeTransferCoin } from './kinds/transfer-coin.js';
import { executeTransferObjects } from './kinds/transfer-objects.js';
import {
  executeReportValidator,
  executeSetCommissionRate,
  executeUndoReportValidator,
  executeUpdateValidatorMetadata,
} from './kinds/validator-kinds.js';
import { executeAddValidator, executeRemoveValidator } from './kinds/validator-membership.js';
import { executeWithdrawStake } from './kinds/withdraw-stake.js';
import type { TransactionContext } from './transaction-context.js';

/**
 * Does what a user's transaction asks for.
 *
 * @throws ExecutionStop when a rule of its kind forbids it
 */
export function executeKind(context: TransactionContext, kind: TransactionKind): void {
  switch (kind.kind) {
    case 'transferCoin':
      return executeTransferCoin(context, kind);
    case 'payCoins':
      return executePayCoins(context, kind);
    case 'transferObjects':
      return executeTransferObjects(context, kind);
    case 'addStake':
      return executeAddStake(context, kind);
    case 'withdrawStake':
      return executeWithdrawStake(context, kind);
    case 'createModel':
      return executeCreateModel(context, kind);
    case 'commitModel':
      return executeCommitModel(context, kind);
    case 'revealModel':
      return executeRevealModel(context, kind);
    case 'addStakeToModel':
      return executeAddStakeToModel(context, kind);
    case 'setModelCommissionRate':
      return executeSetModelCommissionRate(context, kind);
    case 'deactivateModel':
      return executeDeactivateModel(context, kind);
    case 'reportModel':
      return executeReportModel(context, kind);
    case 'undoReportModel':
      return executeUndoReportModel(context, kind);
    case 'submitData':
      return executeSubmitData(context, kind);
    case 'claimRewards':
      return executeClaimRewards(context, kind);
    case 'reportSubmission':
      return executeReportSubmission(context, kind);
    case 'undoReportSubmission':
      return executeUndoReportSubmission(context, kind);
    case 'addValidator':
      return executeAddValidator(context, kind);
    case 'removeValidator':
      return executeRemoveValidator(context, kind);
    case 'reportValidator':
      return executeReportValidator(context, kind);
    case 'undoReportValidator':
      return executeUndoReportValidator(context, kind);
    case 'updateValidatorMetadata':
      return executeUpdateValidatorMetadata(context, kind);
    case 'setCommissionRate':
      return executeSetCommissionRate(context, kind);
    default:
      return fail({ kind: 'invalidTransactionType' });
  }
}
