import type { TransactionKind, TransactionKindName, TransactionKindOf } from '../../../soma/chain/transaction/index.js';
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

type UserKindName = Exclude<TransactionKindName, 'genesis' | 'consensusCommitPrologueV1' | 'changeEpoch'>;
type Executor<K> = (context: TransactionContext, kind: K) => void;

const EXECUTORS: { readonly [N in UserKindName]: Executor<TransactionKindOf<N>> } = {
  transferCoin: executeTransferCoin,
  payCoins: executePayCoins,
  transferObjects: executeTransferObjects,
  addStake: executeAddStake,
  withdrawStake: executeWithdrawStake,
  createModel: executeCreateModel,
  commitModel: executeCommitModel,
  revealModel: executeRevealModel,
  addStakeToModel: executeAddStakeToModel,
  setModelCommissionRate: executeSetModelCommissionRate,
  deactivateModel: executeDeactivateModel,
  reportModel: executeReportModel,
  undoReportModel: executeUndoReportModel,
  submitData: executeSubmitData,
  claimRewards: executeClaimRewards,
  reportSubmission: executeReportSubmission,
  undoReportSubmission: executeUndoReportSubmission,
  addValidator: executeAddValidator,
  removeValidator: executeRemoveValidator,
  reportValidator: executeReportValidator,
  undoReportValidator: executeUndoReportValidator,
  updateValidatorMetadata: executeUpdateValidatorMetadata,
  setCommissionRate: executeSetCommissionRate,
};

/**
 * Executes the kind of a user transaction.
 *
 * @throws ExecutionStop when a rule of its kind forbids it
 */
export function executeKind(context: TransactionContext, kind: TransactionKind): void {
  const executor = (EXECUTORS as Partial<Record<TransactionKindName, Executor<TransactionKind>>>)[kind.kind];
  if (executor === undefined) fail({ kind: 'invalidTransactionType' });
  else executor(context, kind);
}
