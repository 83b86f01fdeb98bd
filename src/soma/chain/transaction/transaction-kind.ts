import { type Codec, union } from '../bcs/index.js';
import {
  type AddStake,
  addStakeCodec,
  type PayCoins,
  payCoinsCodec,
  type TransferCoin,
  type TransferObjects,
  transferCoinCodec,
  transferObjectsCodec,
  type WithdrawStake,
  withdrawStakeCodec,
} from './coin-kinds.js';
import {
  type AddStakeToModel,
  addStakeToModelCodec,
  type CommitModel,
  type CreateModel,
  commitModelCodec,
  createModelCodec,
  type ModelReference,
  modelReferenceCodec,
  type RevealModel,
  revealModelCodec,
  type SetModelCommissionRate,
  setModelCommissionRateCodec,
} from './model-kinds.js';
import { type SubmitData, submitDataCodec, type TargetReference, targetReferenceCodec } from './submission-kinds.js';
import {
  type ChangeEpoch,
  type ConsensusCommitPrologueV1,
  changeEpochCodec,
  consensusCommitPrologueCodec,
  type Genesis,
  genesisCodec,
} from './system-kinds.js';
import {
  type AddValidator,
  addValidatorCodec,
  type RemoveValidator,
  type ReportValidator,
  removeValidatorCodec,
  reportValidatorCodec,
  type SetCommissionRate,
  setCommissionRateCodec,
  type UpdateValidatorMetadata,
  updateValidatorMetadataCodec,
} from './validator-kinds.js';

type Kind<N extends string, Fields> = { readonly kind: N } & Fields;

/** Operation of a transaction, discriminated by `kind`; one member per variant in `types/src/transaction.rs`. */
export type TransactionKind =
  | Kind<'genesis', Genesis>
  | Kind<'consensusCommitPrologueV1', ConsensusCommitPrologueV1>
  | Kind<'changeEpoch', ChangeEpoch>
  | Kind<'addValidator', AddValidator>
  | Kind<'removeValidator', RemoveValidator>
  | Kind<'reportValidator', ReportValidator>
  | Kind<'undoReportValidator', ReportValidator>
  | Kind<'updateValidatorMetadata', UpdateValidatorMetadata>
  | Kind<'setCommissionRate', SetCommissionRate>
  | Kind<'transferCoin', TransferCoin>
  | Kind<'payCoins', PayCoins>
  | Kind<'transferObjects', TransferObjects>
  | Kind<'addStake', AddStake>
  | Kind<'withdrawStake', WithdrawStake>
  | Kind<'createModel', CreateModel>
  | Kind<'commitModel', CommitModel>
  | Kind<'revealModel', RevealModel>
  | Kind<'addStakeToModel', AddStakeToModel>
  | Kind<'setModelCommissionRate', SetModelCommissionRate>
  | Kind<'deactivateModel', ModelReference>
  | Kind<'reportModel', ModelReference>
  | Kind<'undoReportModel', ModelReference>
  | Kind<'submitData', SubmitData>
  | Kind<'claimRewards', TargetReference>
  | Kind<'reportSubmission', TargetReference>
  | Kind<'undoReportSubmission', TargetReference>;

/** The name of a {@link TransactionKind}. */
export type TransactionKindName = TransactionKind['kind'];

/** The variant of {@link TransactionKind} called `N`. */
export type TransactionKindOf<N extends TransactionKindName> = Extract<TransactionKind, { readonly kind: N }>;

/** BCS of a transaction kind. The order of these lines is the variant index on the chain. */
export const transactionKindCodec: Codec<TransactionKind> = union<TransactionKind, 'kind'>('kind', {
  genesis: genesisCodec, // 0
  consensusCommitPrologueV1: consensusCommitPrologueCodec,
  changeEpoch: changeEpochCodec,
  addValidator: addValidatorCodec,
  removeValidator: removeValidatorCodec,
  reportValidator: reportValidatorCodec, // 5
  undoReportValidator: reportValidatorCodec,
  updateValidatorMetadata: updateValidatorMetadataCodec,
  setCommissionRate: setCommissionRateCodec,
  transferCoin: transferCoinCodec,
  payCoins: payCoinsCodec, // 10
  transferObjects: transferObjectsCodec,
  addStake: addStakeCodec,
  withdrawStake: withdrawStakeCodec,
  createModel: createModelCodec,
  commitModel: commitModelCodec, // 15
  revealModel: revealModelCodec,
  addStakeToModel: addStakeToModelCodec,
  setModelCommissionRate: setModelCommissionRateCodec,
  deactivateModel: modelReferenceCodec,
  reportModel: modelReferenceCodec, // 20
  undoReportModel: modelReferenceCodec,
  submitData: submitDataCodec,
  claimRewards: targetReferenceCodec,
  reportSubmission: targetReferenceCodec,
  undoReportSubmission: targetReferenceCodec, // 25
});

/** Whether only the network itself can send this kind. */
export function isSystemKind(kind: TransactionKindName): boolean {
  return kind === 'genesis' || kind === 'consensusCommitPrologueV1' || kind === 'changeEpoch';
}
