import { type BoundCalls, classOf } from './bind-calls.js';
import type { ClientContext } from './context.js';
import { balanceChange } from './execute/balance-change.js';
import { simulateTransaction } from './execute/simulate-transaction.js';
import { batchGetObjects } from './read/batch-get-objects.js';
import { fetchModel, modelProxies, streamModel } from './read/fetch-model.js';
import { fetchSubmissionData, getStoredTarget } from './read/fetch-submission-data.js';
import { getBalance } from './read/get-balance.js';
import { getCheckpoint } from './read/get-checkpoint.js';
import { getEpoch, getProtocolConfig, getSystemState } from './read/get-epoch.js';
import { getActiveModels, getModelManifests, getModels } from './read/get-models.js';
import { getObject } from './read/get-object.js';
import { getSystemParameters } from './read/get-system-parameters.js';
import { getTarget } from './read/get-target.js';
import { batchGetTransactions, getTransaction } from './read/get-transaction.js';
import { listCoins, listStakes } from './read/list-coins.js';
import { listAllOwnedObjects, listOwnedObjects } from './read/list-owned-objects.js';
import { getTargets } from './read/list-targets.js';
import { waitForNextEpoch } from './watch/wait-for-next-epoch.js';
import { watchCheckpoints } from './watch/watch-checkpoints.js';
import { watchEpochs } from './watch/watch-epochs.js';
import { watchTargets } from './watch/watch-targets.js';

/** Calls that take the context first, and that a client offers as they are. */
const CALLS = {
  // Reads of the ledger.

  /** One object, the latest version by default. */
  getObject,
  /** Several objects: for each query the object, or the node's error for it. */
  batchGetObjects,
  /** An executed transaction by its digest. */
  getTransaction,
  /** Several executed transactions: for each digest the transaction, or the node's error for it. */
  batchGetTransactions,
  /** A checkpoint by number or digest, the latest by default. */
  getCheckpoint,
  /** An epoch, the current one by default, without its system state. */
  getEpoch,
  /** The state that all transactions share: parameters, models, validators, difficulty. */
  getSystemState,
  /** The parameters in force, without the rest of the system state, which can be large. */
  getSystemParameters,
  /** The protocol constants in force, or those of a past epoch. */
  getProtocolConfig,

  // Reads of the state.

  /** Sum of an address's coins in shannons, as of the latest checkpoint. */
  getBalance,
  /** One page of an address's objects. */
  listOwnedObjects,
  /** All objects of an address, page by page. */
  listAllOwnedObjects,
  /** All coins of an address, richest first. */
  listCoins,
  /** All stakes of an address. */
  listStakes,
  /** One target with its stored status. */
  getTarget,
  /** One target as the chain stores it, with the winning data, distance, loss and reports. */
  getStoredTarget,
  /** The first page of targets as a plain list. */
  getTargets,
  /** All models, whatever their state. */
  getModels,
  /** The models that targets may name. */
  getActiveModels,
  /** The manifests of models or of a target's models, one entry per id and in their order. */
  getModelManifests,
  /** The encrypted weights of a model, verified. */
  fetchModel,
  /** The encrypted weights of a model as they arrive; verified once the stream has ended. */
  streamModel,
  /** Where the fullnodes pass on the encrypted weights of a model, for when its own address fails. */
  modelProxies,
  /** The winning data of a filled target, verified. */
  fetchSubmissionData,

  // Transactions.

  /** What a transaction did to a balance, in shannons, fees included; waits until the node knows. */
  balanceChange,
  /** What a transaction would do now. */
  simulateTransaction,

  // Watching.

  /** Every checkpoint once, in order and without gaps. */
  watchCheckpoints,
  /** Targets as they open, fill and expire. */
  watchTargets,
  /** The current epoch, then every epoch as it begins. */
  watchEpochs,
  /** Waits until another epoch begins and returns its number. */
  waitForNextEpoch,
} as const;

/** Those calls as methods. The type is written out: an inferred one would lose the docstrings in the declarations. */
export const ClientCalls: new (
  context: ClientContext,
) => BoundCalls<typeof CALLS> & {
  /** What the functions beside the client take as their first argument. */
  readonly context: ClientContext;
} = classOf(CALLS);
