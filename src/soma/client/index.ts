export { type CoinLease, CoinPool, type CoinPoolState, type QuarantineReason } from './account/coin-pool.js';
export {
  type AccountOptions,
  type AmountOrCoin,
  type CommitModelOptions,
  type CreatedModel,
  type CreateModelOptions,
  type RevealModelOptions,
  type SendOptions,
  SomaAccount,
  type SubmitDataOptions,
  type UnsignedTransaction,
} from './account/soma-account.js';
export type { CallOptions, ClientContext } from './context.js';
export * from './decode/index.js';
export { type ExecuteAndWaitOptions, executeAndWait } from './execute/execute-and-wait.js';
export {
  type ExecuteTransactionOptions,
  executeTransaction,
  type TransactionResult,
} from './execute/execute-transaction.js';
export { type Recovery, recoverTransaction } from './execute/recover-transaction.js';
export { type SimulateTransactionOptions, simulateTransaction } from './execute/simulate-transaction.js';
export { objectsOfKind, validateTransaction } from './execute/validate-transaction.js';
export { type WaitOptions, waitForCheckpoint } from './execute/wait-for-transaction.js';
export { warmUpSubmitPath } from './execute/warm-up-submit-path.js';
export {
  NETWORKS,
  type NetworkEndpoints,
  type NetworkName,
  networkEndpoints,
  TESTNET_ARCHIVE_URL,
} from './networks.js';
export * from './read/index.js';
export { maskPaths, type ReadMask } from './read-mask.js';
export { SomaClient, type SomaClientDeps, type SomaClientOptions, type SomaClientSettings } from './soma-client.js';
export * from './transport/index.js';
export { type CheckpointTicket, CheckpointWaiter } from './watch/checkpoint-waiter.js';
export { type WaitForNextEpochOptions, waitForNextEpoch } from './watch/wait-for-next-epoch.js';
export { type CheckpointGap, type WatchCheckpointsOptions, watchCheckpoints } from './watch/watch-checkpoints.js';
export { type EpochChange, type WatchEpochsOptions, watchEpochs } from './watch/watch-epochs.js';
export { type TargetEvent, type WatchTargetsOptions, watchTargets } from './watch/watch-targets.js';
