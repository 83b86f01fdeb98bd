import { QuarryError } from '../../errors/index.js';
import { TransactionExecutionService } from '../../gen/soma/rpc/transaction_execution_service_pb.js';
import type { AddressPolicy } from '../../http/index.js';
import {
  type Address,
  type Digest,
  decodeSignedTransaction,
  fromBase64,
  type SignedTransaction,
  type Signer,
} from '../chain/index.js';
import { AdminClient, FaucetClient, type FaucetCoin, ScoringClient } from '../services/index.js';
import { type AccountOptions, SomaAccount } from './account/soma-account.js';
import { ClientCalls } from './calls.js';
import type { CallOptions } from './context.js';
import type { PartialTarget, Target } from './decode/target.js';
import { type ExecuteAndWaitOptions, executeAndWait } from './execute/execute-and-wait.js';
import {
  type ExecuteTransactionOptions,
  executeTransaction,
  type TransactionResult,
} from './execute/execute-transaction.js';
import { type Recovery, recoverTransaction } from './execute/recover-transaction.js';
import { type WaitOptions, waitForCheckpoint } from './execute/wait-for-transaction.js';
import type { NetworkEndpoints } from './networks.js';
import { type OpenContext, openContext } from './open-context.js';
import { getServiceInfo, type ServiceInfo } from './read/get-service-info.js';
import {
  type ListTargetsOptions,
  listAllTargets,
  listTargets,
  type MaskedListTargetsOptions,
  type TargetPage,
} from './read/list-targets.js';
import { endpointsOf, type SomaClientDeps, type SomaClientOptions, serviceUrl } from './soma-client-options.js';
import { diagnoseEndpoint, type FullnodeStatus, methodPath, type TlsOptions } from './transport/index.js';
import { CheckpointWaiter } from './watch/checkpoint-waiter.js';

export type { SomaClientDeps, SomaClientOptions, SomaClientSettings } from './soma-client-options.js';

/** A client of the SOMA network. One HTTP/2 connection a fullnode carries all calls; close it when done. */
export class SomaClient extends ClientCalls {
  readonly endpoints: NetworkEndpoints;
  readonly #open: OpenContext;
  readonly #hub: CheckpointWaiter;
  readonly #tls: TlsOptions | undefined;
  readonly #accounts = new Map<Address, SomaAccount>();
  #faucet: FaucetClient | undefined;
  #admin: AdminClient | undefined;
  #scoring: ScoringClient | undefined;

  private constructor(options: SomaClientOptions, deps: SomaClientDeps) {
    const endpoints = endpointsOf(options);
    const open = openContext(options, endpoints.rpcUrl, deps);
    super(open.context);
    this.endpoints = endpoints;
    this.#open = open;
    this.#tls = options.tls;
    this.#hub = new CheckpointWaiter(open.context);
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
      await client.getServiceInfo({ signal: options.signal });
      return client;
    } catch (error) {
      client.close();
      if (!(error instanceof QuarryError) || error.code !== 'UNREACHABLE') throw error;
      throw (await diagnoseEndpoint(client.context.transport.endpoint, client.#tls)) ?? error;
    }
  }

  /**
   * Sends transactions from a thread of its own from now on. That is for programs that send many at once: the thread
   * costs some memory, and takes gRPC's work off the caller's.
   */
  executeInThread(): void {
    this.context.transport.useThread(methodPath(TransactionExecutionService.method.executeTransaction));
  }

  /** Ends all calls, watches and downloads. */
  close(): void {
    for (const account of this.#accounts.values()) account.close();
    this.#hub.close();
    this.#faucet?.close();
    this.#admin?.close();
    this.#scoring?.close();
    this.#open.close();
  }

  /**
   * Where data and weights of this network may lie. Loopback only with a network of this machine's own: all fullnodes
   * on loopback, and a chain that is not a public one, as a fullnode says when it is asked.
   */
  get addressPolicy(): AddressPolicy {
    return this.#open.addressPolicy;
  }

  /** The fullnodes and which one calls go to now. Empty unless the client was given several. */
  get fullnodes(): readonly FullnodeStatus[] {
    return this.#open.failover?.fullnodes ?? [];
  }

  /** The fullnode that calls go to now. */
  get nodeUrl(): string {
    return this.fullnodes.find(({ preferred }) => preferred)?.url ?? this.context.transport.endpoint.url;
  }

  /**
   * Tells that a node answered with something that does not fit. Of several fullnodes, one that goes on so is left for
   * another for a while.
   */
  reportUnfit(reason: QuarryError): void {
    this.#open.failover?.reportUnfit(reason);
  }

  /** What the node is and how far it has come. */
  async getServiceInfo(options?: CallOptions): Promise<ServiceInfo> {
    const info = await getServiceInfo(this.context, options);
    this.#open.learnChain(info);
    return info;
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
