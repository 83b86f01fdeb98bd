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

/** Calls whose first parameter is the context, exposed as methods of the client. */
const CALLS = {
  // Reads of the ledger.

  /** One object, the latest version by default. */
  getObject,
  /** Several objects: for each query the object, or the node's error. */
  batchGetObjects,
  /** An executed transaction by its digest. */
  getTransaction,
  /** Several executed transactions: for each digest the transaction, or the node's error. */
  batchGetTransactions,
  /** A checkpoint by number or digest, the latest by default. */
  getCheckpoint,
  /** An epoch, the current one by default, without its system state. */
  getEpoch,
  /** The shared system state: parameters, models, validators, difficulty. */
  getSystemState,
  /** The current parameters, without the rest of the system state, which can be large. */
  getSystemParameters,
  /** The current protocol constants, or those of a past epoch. */
  getProtocolConfig,

  // Reads of the state.

  /** Balance of an address in shannons, as of the latest checkpoint. */
  getBalance,
  /** One page of an address's objects. */
  listOwnedObjects,
  /** All objects of an address. */
  listAllOwnedObjects,
  /** All coins of an address, richest first. */
  listCoins,
  /** All stakes of an address. */
  listStakes,
  /** One target with its stored status. */
  getTarget,
  /** One target as the chain stores it, with the winning data, distance, loss and reports. */
  getStoredTarget,
  /** The first page of targets as an array. */
  getTargets,
  /** All models, in any state. */
  getModels,
  /** The models that targets can name. */
  getActiveModels,
  /** The manifests of models or of a target's models, one entry per id, in order. */
  getModelManifests,
  /** The encrypted weights of a model, verified. */
  fetchModel,
  /** The encrypted weights of a model as a stream; verified once it has ended. */
  streamModel,
  /** Fullnode URLs that proxy the encrypted weights of a model, for when its own URL fails. */
  modelProxies,
  /** The winning data of a filled target, verified. */
  fetchSubmissionData,

  // Transactions.

  /** Change of a balance by a transaction, in shannons, including fees; waits until the node knows it. */
  balanceChange,
  /** Simulates a transaction. */
  simulateTransaction,

  // Watching.

  /** Every checkpoint once, in order and without gaps. */
  watchCheckpoints,
  /** Targets as they open, fill and expire. */
  watchTargets,
  /** The current epoch, then every new epoch. */
  watchEpochs,
  /** Waits for the next epoch and returns its number. */
  waitForNextEpoch,
} as const;

/**
 * The calls as methods. Declared explicitly, because an inferred type would lose the docstrings in the declarations.
 */
export const ClientCalls: new (
  context: ClientContext,
) => BoundCalls<typeof CALLS> & {
  /** Context for functions outside the client. */
  readonly context: ClientContext;
} = classOf(CALLS);
