export { type ExecutionFailure, type ExecutionFailureKind, executionFailureCodec } from './execution-failure.js';
export {
  EXECUTION_FAILURES,
  type ExecutionFailureInfo,
  failureKindOfRpc,
  RPC_KIND_OTHER_ERROR,
} from './execution-failure-kinds.js';
export { type FailureText, type FailureTextPath, f32Text, failureText } from './failure-text.js';
export {
  decodeEffects,
  deletedObjects,
  type ExecutionStatus,
  effectsDigest,
  encodeEffects,
  type IdOperation,
  type ObjectChange,
  type ObjectInputState,
  type ObjectOutputState,
  type TransactionEffects,
  type TransactionFee,
  transactionEffectsCodec,
  transactionFeeCodec,
  type UnchangedSharedObject,
  type WrittenObject,
  writtenObjects,
} from './transaction-effects.js';
