import { QuarryError } from '../../errors/index.js';
import {
  type AddressPolicy,
  type DownloadSource,
  HttpClient,
  PUBLIC_AND_LOOPBACK,
  PUBLIC_ONLY,
  sleep,
} from '../../http/index.js';
import {
  type Address,
  type Digest,
  decodeSignedTransaction,
  fromBase64,
  type ObjectId,
  type SignedTransaction,
  type Signer,
  type TransactionData,
} from '../chain/index.js';
import { AdminClient, FaucetClient, type FaucetCoin, ScoringClient } from '../services/index.js';
import { type AccountOptions, SomaAccount } from './account/soma-account.js';
import type { CallOptions, ClientContext } from './context.js';
import type { Checkpoint } from './decode/checkpoint.js';
import type { Epoch, ProtocolConstants } from './decode/epoch.js';
import type { ExecutedTransaction } from './decode/executed-transaction.js';
import type { Model } from './decode/model.js';
import type { FetchedObject } from './decode/object.js';
import type { SystemParameters, SystemState } from './decode/system-state.js';
import type { PartialTarget, Target } from './decode/target.js';
import { balanceChange } from './execute/balance-change.js';
import { type ExecuteAndWaitOptions, executeAndWait } from './execute/execute-and-wait.js';
import {
  type ExecuteTransactionOptions,
  executeTransaction,
  type TransactionResult,
} from './execute/execute-transaction.js';
import { type Recovery, recoverTransaction } from './execute/recover-transaction.js';
import { type SimulateTransactionOptions, simulateTransaction } from './execute/simulate-transaction.js';
import { type WaitOptions, waitForCheckpoint } from './execute/wait-for-transaction.js';
import type { NetworkEndpoints } from './networks.js';
import { isPublicChain } from './public-chain.js';
import { batchGetObjects, type ObjectQuery } from './read/batch-get-objects.js';
import { getChallenge, listChallenges } from './read/challenges.js';
import { type FetchModelOptions, fetchModel, modelProxies, streamModel } from './read/fetch-model.js';
import {
  type FetchSubmissionDataOptions,
  fetchSubmissionData,
  getStoredTarget,
  type StoredTarget,
} from './read/fetch-submission-data.js';
import { getBalance } from './read/get-balance.js';
import { type CheckpointId, type GetCheckpointOptions, getCheckpoint } from './read/get-checkpoint.js';
import { type GetEpochOptions, getEpoch, getProtocolConfig, getSystemState } from './read/get-epoch.js';
import {
  getActiveModels,
  getModelManifests,
  getModels,
  type ModelManifest,
  type NamesModels,
} from './read/get-models.js';
import { type GetObjectOptions, getObject } from './read/get-object.js';
import { getServiceInfo, type ServiceInfo } from './read/get-service-info.js';
import { getSystemParameters } from './read/get-system-parameters.js';
import { getTarget } from './read/get-target.js';
import { batchGetTransactions, type GetTransactionOptions, getTransaction } from './read/get-transaction.js';
import { listCoins, listStakes, type OwnedCoin, type OwnedStake } from './read/list-coins.js';
import {
  type ListOwnedObjectsOptions,
  listAllOwnedObjects,
  listOwnedObjects,
  type ObjectPage,
} from './read/list-owned-objects.js';
import {
  getTargets,
  type ListTargetsOptions,
  listAllTargets,
  listTargets,
  type MaskedListTargetsOptions,
  type TargetPage,
} from './read/list-targets.js';
import { endpointsOf, type SomaClientDeps, type SomaClientOptions, serviceUrl } from './soma-client-options.js';
import {
  diagnoseEndpoint,
  FailoverTransport,
  type FullnodeStatus,
  type GrpcError,
  GrpcTransport,
  parseEndpoint,
  type TlsOptions,
} from './transport/index.js';
import { CheckpointWaiter } from './watch/checkpoint-waiter.js';
import { type WaitForNextEpochOptions, waitForNextEpoch } from './watch/wait-for-next-epoch.js';
import { type WatchCheckpointsOptions, watchCheckpoints } from './watch/watch-checkpoints.js';
import { type EpochChange, type WatchEpochsOptions, watchEpochs } from './watch/watch-epochs.js';
import { type TargetEvent, type WatchTargetsOptions, watchTargets } from './watch/watch-targets.js';

export type { SomaClientDeps, SomaClientOptions, SomaClientSettings } from './soma-client-options.js';

/** A client of the SOMA network. One HTTP/2 connection a fullnode carries all calls; close it when done. */
export class SomaClient {
  readonly endpoints: NetworkEndpoints;
  /** What the functions beside this class take as their first argument. */
  readonly context: ClientContext;
  /**
   * Where data and weights of this network may lie. Loopback only with a network of this machine's own: all fullnodes
   * on loopback, and a chain that is not a public one, as a fullnode says when it is asked.
   */
  readonly addressPolicy: AddressPolicy;
  readonly #learnChain: (info: ServiceInfo) => void;
  readonly #hub: CheckpointWaiter;
  readonly #tls: TlsOptions | undefined;
  readonly #failover: FailoverTransport | undefined;
  readonly #nodeHttp: readonly HttpClient[];
  readonly #accounts = new Map<Address, SomaAccount>();
  #faucet: FaucetClient | undefined;
  #admin: AdminClient | undefined;
  #scoring: ScoringClient | undefined;

  private constructor(options: SomaClientOptions, deps: SomaClientDeps) {
    this.endpoints = endpointsOf(options);
    this.#tls = options.tls;
    const { fallbackUrls = [] } = options;
    const calls = {
      ...(options.tls !== undefined && { tls: options.tls }),
      ...(options.headers !== undefined && { headers: options.headers }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      ...(options.readMaxBytes !== undefined && { readMaxBytes: options.readMaxBytes }),
      ...(options.keepAliveMs !== undefined && { keepAliveMs: options.keepAliveMs }),
      ...(options.onHeaders !== undefined && { onHeaders: options.onHeaders }),
    };
    const urls = [this.endpoints.rpcUrl, ...fallbackUrls];
    const loopback = urls.every((url) => parseEndpoint(url).loopback);
    const failover =
      fallbackUrls.length === 0
        ? undefined
        : new FailoverTransport(
            {
              ...calls,
              ...options.failover,
              urls,
              ...(options.onFullnode !== undefined && { onFullnode: options.onFullnode }),
            },
            deps,
          );
    const transport = failover ?? new GrpcTransport({ ...calls, url: this.endpoints.rpcUrl }, deps);
    this.#failover = failover;
    const addressPolicy = { ...(options.addressPolicy ?? (loopback ? PUBLIC_AND_LOOPBACK : PUBLIC_ONLY)) };
    this.addressPolicy = addressPolicy;
    this.#learnChain = (info) => {
      if (options.addressPolicy === undefined && isPublicChain(info)) addressPolicy.allowLoopback = false;
    };
    const nodeHttp = new Map(
      urls.map((each) => {
        const baseUrl = parseEndpoint(each).url;
        const headers = options.headers !== undefined && { headers: options.headers };
        return [baseUrl, new HttpClient({ baseUrl, addressPolicy, trustedOrigins: [baseUrl], ...headers })];
      }),
    );
    this.#nodeHttp = [...nodeHttp.values()];
    this.context = {
      transport,
      manifestHttp: new HttpClient({ addressPolicy }),
      nodeSources(path) {
        const current = transport.endpoint.url;
        const others = [...nodeHttp.keys()].filter((url) => url !== current);
        return [current, ...others].flatMap((url) => {
          const http = nodeHttp.get(url);
          return http === undefined ? [] : [{ http, url: `${url}${path}` }];
        });
      },
      sleep: deps.sleep ?? sleep,
      now: deps.now ?? Date.now,
      random: deps.random ?? Math.random,
    };
    this.#hub = new CheckpointWaiter(this.context);
  }

  /**
   * Connects to a network and asks the node what it is.
   *
   * @throws QuarryError `UNKNOWN_NETWORK` when there is no network of that name
   * @throws QuarryError `CONFIG_INVALID` when a URL is not an origin, or fullnodes belong to different chains
   * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `TLS` or `PROTOCOL` when no fullnode answers there
   */
  static async connect(options: SomaClientOptions, deps: SomaClientDeps = {}): Promise<SomaClient> {
    const client = new SomaClient(options, deps);
    if (options.probe === false) return client;
    try {
      await client.getServiceInfo(options.signal === undefined ? {} : { signal: options.signal });
      return client;
    } catch (error) {
      client.close();
      if (!(error instanceof QuarryError) || error.code !== 'UNREACHABLE') throw error;
      throw (await diagnoseEndpoint(client.context.transport.endpoint, client.#tls)) ?? error;
    }
  }

  /** Ends all calls, watches and downloads. */
  close(): void {
    for (const account of this.#accounts.values()) account.close();
    this.#hub.close();
    this.#faucet?.close();
    this.#admin?.close();
    this.#scoring?.close();
    this.context.transport.close();
    void this.context.manifestHttp.close();
    for (const http of this.#nodeHttp) void http.close();
  }

  /** The fullnodes and which one calls go to now. Empty unless the client was given several. */
  get fullnodes(): readonly FullnodeStatus[] {
    return this.#failover?.fullnodes ?? [];
  }

  // Reads of the ledger.

  /** What the node is and how far it has come. */
  async getServiceInfo(options?: CallOptions): Promise<ServiceInfo> {
    const info = await getServiceInfo(this.context, options);
    this.#learnChain(info);
    return info;
  }
  /** One object, the latest version by default. */
  getObject(objectId: ObjectId, options?: GetObjectOptions): Promise<FetchedObject> {
    return getObject(this.context, objectId, options);
  }
  /** Several objects: for each query the object, or the node's error for it. */
  batchGetObjects(queries: readonly ObjectQuery[], options?: CallOptions): Promise<(FetchedObject | GrpcError)[]> {
    return batchGetObjects(this.context, queries, options);
  }
  /** An executed transaction by its digest. */
  getTransaction(digest: Digest, options?: GetTransactionOptions): Promise<ExecutedTransaction> {
    return getTransaction(this.context, digest, options);
  }
  /** Several executed transactions: for each digest the transaction, or the node's error for it. */
  batchGetTransactions(
    digests: readonly Digest[],
    options?: GetTransactionOptions,
  ): Promise<(ExecutedTransaction | GrpcError)[]> {
    return batchGetTransactions(this.context, digests, options);
  }
  /** A checkpoint by number or digest, the latest by default. */
  getCheckpoint(id?: CheckpointId, options?: GetCheckpointOptions): Promise<Checkpoint> {
    return getCheckpoint(this.context, id, options);
  }
  /** An epoch, the current one by default, without its system state. */
  getEpoch(options?: GetEpochOptions): Promise<Epoch> {
    return getEpoch(this.context, options);
  }
  /** The state that all transactions share: parameters, models, validators, difficulty. */
  getSystemState(options?: CallOptions & { readonly epoch?: bigint }): Promise<SystemState> {
    return getSystemState(this.context, options);
  }
  /** The parameters in force, without the rest of the system state, which can be large. */
  getSystemParameters(options?: CallOptions): Promise<SystemParameters> {
    return getSystemParameters(this.context, options);
  }
  /** The protocol constants in force, or those of a past epoch. */
  getProtocolConfig(options?: CallOptions & { readonly epoch?: bigint }): Promise<ProtocolConstants> {
    return getProtocolConfig(this.context, options);
  }

  // Reads of the state.

  /** Sum of an address's coins in shannons, as of the latest checkpoint. */
  getBalance(owner: Address, options?: CallOptions): Promise<bigint> {
    return getBalance(this.context, owner, options);
  }
  /** One page of an address's objects. */
  listOwnedObjects(options: ListOwnedObjectsOptions): Promise<ObjectPage> {
    return listOwnedObjects(this.context, options);
  }
  /** All objects of an address, page by page. */
  listAllOwnedObjects(options: Omit<ListOwnedObjectsOptions, 'pageToken'>): AsyncGenerator<FetchedObject, void, void> {
    return listAllOwnedObjects(this.context, options);
  }
  /** All coins of an address, richest first. */
  listCoins(owner: Address, options?: CallOptions): Promise<OwnedCoin[]> {
    return listCoins(this.context, owner, options);
  }
  /** All stakes of an address. */
  listStakes(owner: Address, options?: CallOptions): Promise<OwnedStake[]> {
    return listStakes(this.context, owner, options);
  }
  /** One target with its stored status. */
  getTarget(id: ObjectId, options?: CallOptions): Promise<Target> {
    return getTarget(this.context, id, options);
  }
  /** One target as the chain stores it, with the winning data, distance, loss and reports. */
  getStoredTarget(id: ObjectId, options?: CallOptions): Promise<StoredTarget> {
    return getStoredTarget(this.context, id, options);
  }
  /** One page of targets, open ones by default. */
  listTargets(options: MaskedListTargetsOptions): Promise<TargetPage<PartialTarget>>;
  listTargets(options?: ListTargetsOptions): Promise<TargetPage>;
  listTargets(options?: ListTargetsOptions): Promise<TargetPage<PartialTarget>> {
    return listTargets(this.context, options);
  }
  /** All targets that match, page by page. */
  listAllTargets(options: Omit<MaskedListTargetsOptions, 'pageToken'>): AsyncGenerator<PartialTarget, void, void>;
  listAllTargets(options?: Omit<ListTargetsOptions, 'pageToken'>): AsyncGenerator<Target, void, void>;
  listAllTargets(options?: Omit<ListTargetsOptions, 'pageToken'>): AsyncGenerator<PartialTarget, void, void> {
    return listAllTargets(this.context, options);
  }
  /** The first page of targets as a plain list. */
  getTargets(options?: Omit<ListTargetsOptions, 'pageToken' | 'readMask'>): Promise<readonly Target[]> {
    return getTargets(this.context, options);
  }
  /** All models, whatever their state. */
  getModels(options?: CallOptions): Promise<readonly Model[]> {
    return getModels(this.context, options);
  }
  /** The models that targets may name. */
  getActiveModels(options?: CallOptions): Promise<readonly Model[]> {
    return getActiveModels(this.context, options);
  }
  /** The manifests of models or of a target's models, one entry per id and in their order. */
  getModelManifests(
    models: readonly ObjectId[] | NamesModels,
    options?: CallOptions,
  ): Promise<(ModelManifest | undefined)[]> {
    return getModelManifests(this.context, models, options);
  }
  /** The encrypted weights of a model, verified. */
  fetchModel(modelId: ObjectId, options?: FetchModelOptions): Promise<Uint8Array> {
    return fetchModel(this.context, modelId, options);
  }
  /** The encrypted weights of a model as they arrive; verified once the stream has ended. */
  streamModel(modelId: ObjectId, options?: FetchModelOptions): AsyncGenerator<Uint8Array, void, void> {
    return streamModel(this.context, modelId, options);
  }
  /** Where the fullnodes pass on the encrypted weights of a model, for when its own address fails. */
  modelProxies(modelId: ObjectId): DownloadSource[] {
    return modelProxies(this.context, modelId);
  }
  /** The winning data of a filled target, verified. */
  fetchSubmissionData(targetId: ObjectId, options?: FetchSubmissionDataOptions): Promise<Uint8Array> {
    return fetchSubmissionData(this.context, targetId, options);
  }
  /** Always refused: the network has removed challenges. */
  getChallenge(challengeId: string, options?: CallOptions): Promise<never> {
    return getChallenge(this.context, challengeId, options);
  }
  /** Always refused: the network has removed challenges. */
  listChallenges(options?: CallOptions): Promise<never> {
    return listChallenges(this.context, options);
  }

  // Transactions.

  /** Executes a signed transaction: decoded, as BCS, or as base64 of that. */
  executeTransaction(
    signed: SignedTransaction | Uint8Array | string,
    options?: ExecuteTransactionOptions,
  ): Promise<TransactionResult> {
    return executeTransaction(this.context, signedOf(signed), options);
  }
  /** Executes a signed transaction and waits until it is in a checkpoint. */
  executeAndWait(
    signed: SignedTransaction | Uint8Array | string,
    options?: ExecuteAndWaitOptions,
  ): Promise<TransactionResult> {
    return executeAndWait(this.context, this.#hub, signedOf(signed), options);
  }
  /** What became of a signed transaction that was sent earlier; executes it where it was not. */
  recoverTransaction(
    signed: SignedTransaction | Uint8Array | string,
    options?: ExecuteTransactionOptions,
  ): Promise<Recovery> {
    return recoverTransaction(this.context, signedOf(signed), options);
  }
  /** What a transaction did to a balance, in shannons, fees included; waits until the node knows. */
  balanceChange(
    result: Pick<TransactionResult, 'digest' | 'balanceChanges'>,
    address: Address,
    options?: CallOptions,
  ): Promise<bigint> {
    return balanceChange(this.context, result, address, options);
  }
  /** What a transaction would do now. */
  simulateTransaction(data: TransactionData, options?: SimulateTransactionOptions): Promise<TransactionResult> {
    return simulateTransaction(this.context, data, options);
  }
  /** Number of the checkpoint that holds a transaction; `undefined` when the wait is over first. */
  waitForTransaction(digest: Digest, options?: WaitOptions): Promise<bigint | undefined> {
    return waitForCheckpoint(this.context, this.#hub, digest, options);
  }
  /**
   * The account of a signer: every transaction it may send, over one pool of coins. The same one for the same address,
   * configured anew by `options`.
   */
  account(signer: Signer, options: AccountOptions = {}): SomaAccount {
    const known = this.#accounts.get(signer.address);
    if (known !== undefined && !known.closed) {
      known.configure(options);
      return known;
    }
    const account = new SomaAccount(this.context, this.#hub, signer, options);
    this.#accounts.set(signer.address, account);
    return account;
  }

  // Watching.

  /** Every checkpoint once, in order and without gaps. */
  watchCheckpoints(options?: WatchCheckpointsOptions): AsyncGenerator<Checkpoint, void, void> {
    return watchCheckpoints(this.context, options);
  }
  /** Targets as they open, fill and expire. */
  watchTargets(options?: WatchTargetsOptions): AsyncGenerator<TargetEvent, void, void> {
    return watchTargets(this.context, options);
  }
  /** The current epoch, then every epoch as it begins. */
  watchEpochs(options?: WatchEpochsOptions): AsyncGenerator<EpochChange, void, void> {
    return watchEpochs(this.context, options);
  }

  /** Waits until another epoch begins and returns its number. */
  waitForNextEpoch(options?: WaitForNextEpochOptions): Promise<bigint> {
    return waitForNextEpoch(this.context, options);
  }

  // Services beside the fullnode.

  /** The faucet. Throws `CONFIG_MISSING` where the network has none. */
  get faucet(): FaucetClient {
    this.#faucet ??= new FaucetClient({ url: serviceUrl(this.endpoints.faucetUrl, 'faucet') });
    return this.#faucet;
  }
  /** The admin service of a localnet. Throws `CONFIG_MISSING` where the network has none. */
  get admin(): AdminClient {
    this.#admin ??= new AdminClient({ url: serviceUrl(this.endpoints.adminUrl, 'admin') });
    return this.#admin;
  }
  /** The scoring service. Throws `CONFIG_MISSING` where none is configured. */
  get scoring(): ScoringClient {
    this.#scoring ??= new ScoringClient({ url: serviceUrl(this.endpoints.scoringUrl, 'scoring') });
    return this.#scoring;
  }
  /** Asks the faucet for coins. */
  requestFaucet(recipient: Address, options?: CallOptions): Promise<readonly FaucetCoin[]> {
    return this.faucet.requestGas(recipient, options);
  }
  /** Ends the epoch of a localnet. */
  advanceEpoch(options?: CallOptions): Promise<bigint> {
    return this.admin.advanceEpoch(options);
  }
}

/** Signed transactions come decoded, as BCS, or as base64 of it. */
function signedOf(signed: SignedTransaction | Uint8Array | string): SignedTransaction {
  if (typeof signed === 'string') return decodeSignedTransaction(fromBase64(signed));
  return signed instanceof Uint8Array ? decodeSignedTransaction(signed) : signed;
}
