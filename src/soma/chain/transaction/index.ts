export type { AddStake, PayCoins, TransferCoin, TransferObjects, WithdrawStake } from './coin-kinds.js';
export type {
  AddStakeToModel,
  CommitModel,
  CreateModel,
  ModelReference,
  RevealModel,
  SetModelCommissionRate,
} from './model-kinds.js';
export type { SubmitData, TargetReference } from './submission-kinds.js';
export type { ChangeEpoch, ConsensusCommitPrologueV1, Genesis } from './system-kinds.js';
export {
  decodeTransactionData,
  encodeTransactionData,
  MAX_TRANSACTION_BYTES,
  TRANSACTION_INTENT,
  type TransactionData,
  transactionDataCodec,
  transactionDigest,
  transactionDigestBytes,
  transactionSigningHash,
} from './transaction-data.js';
export {
  isSystemKind,
  type TransactionKind,
  type TransactionKindName,
  type TransactionKindOf,
  transactionKindCodec,
} from './transaction-kind.js';
export type {
  AddValidator,
  RemoveValidator,
  ReportValidator,
  SetCommissionRate,
  UpdateValidatorMetadata,
} from './validator-kinds.js';
