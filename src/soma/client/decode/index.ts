export type { Checkpoint, CheckpointHeader } from './checkpoint.js';
export type { Epoch, ProtocolConstants } from './epoch.js';
export type { BalanceChange, ExecutedTransaction } from './executed-transaction.js';
export { assertSucceeded, ExecutionError } from './execution-error.js';
export type { Model, ModelState, PendingModelUpdate, StakingPool } from './model.js';
export { type FetchedObject, type PartialObject, refOf } from './object.js';
export type { SystemParameters, SystemState, TargetState } from './system-state.js';
export type { ListedTargetStatus, PartialTarget, Target } from './target.js';
export type { Validator, ValidatorSet } from './validator.js';
