export { downloadTimeoutMs } from '../../../net/index.js';
export { batchGetObjects, type ObjectQuery } from './batch-get-objects.js';
export { type FetchModelOptions, fetchModel, modelSources, streamModel } from './fetch-model.js';
export {
  type FetchSubmissionDataOptions,
  fetchSubmissionData,
  getStoredTarget,
  type StoredTarget,
} from './fetch-submission-data.js';
export { getBalance } from './get-balance.js';
export { type CheckpointId, type GetCheckpointOptions, getCheckpoint } from './get-checkpoint.js';
export { type GetEpochOptions, getEpoch, getProtocolConfig, getSystemState } from './get-epoch.js';
export {
  getActiveModels,
  getModelManifests,
  getModels,
  manifestOfModel,
  type NamesModels,
} from './get-models.js';
export { type GetObjectOptions, getObject } from './get-object.js';
export { getServiceInfo, type ServiceInfo } from './get-service-info.js';
export { getSystemParameters } from './get-system-parameters.js';
export { getTarget } from './get-target.js';
export { batchGetTransactions, type GetTransactionOptions, getTransaction } from './get-transaction.js';
export { listCoins, listStakes, type OwnedCoin, type OwnedStake, richestFirst } from './list-coins.js';
export {
  type ListOwnedObjectsOptions,
  listAllOwnedObjects,
  listOwnedObjects,
  type ObjectPage,
} from './list-owned-objects.js';
export {
  getTargets,
  type ListTargetsOptions,
  listAllTargets,
  listTargets,
  type MaskedListTargetsOptions,
  type TargetFilter,
  type TargetPage,
} from './list-targets.js';
export { downloadVerified, streamVerified } from './verified-download.js';
