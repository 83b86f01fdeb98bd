import { QuarryError } from '../../errors/index.js';
import { TransactionExecutionService } from '../../gen/soma/rpc/transaction_execution_service_pb.js';
import type { AddressPolicy } from '../../net/index.js';
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
import { type WaitOptions, waitForCheckpoint } from './execute/wait-for-checkpoint.js';
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

/** A client of the SOMA network. All calls share one HTTP/2 connection per fullnode; close it when done. */
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
   * Connects to a network and identifies the node.
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
   * From now on, sends transactions from a separate thread. For programs that send many at once: it costs some memory
   * and takes gRPC's work off the caller's thread.
   */
  executeInThread(): void {
    this.context.transport.useThread(methodPath(TransactionExecutionService.method.executeTransaction));
  }

  /** Aborts all calls, watches and downloads. */
  close(): void {
    for (const account of this.#accounts.values()) account.close();
    this.#hub.close();
    this.#faucet?.close();
    this.#admin?.close();
    this.#scoring?.close();
    this.#open.close();
  }

  /**
   * Allowed addresses of this network's data and weights. Includes loopback only for a local network: all fullnodes are
   * on loopback and report a chain that is not public.
   */
  get addressPolicy(): AddressPolicy {
    return this.#open.addressPolicy;
  }

  /** All fullnodes and which one is current. Empty unless the client has several. */
  get fullnodes(): readonly FullnodeStatus[] {
    return this.#open.failover?.fullnodes ?? [];
  }

  /** URL of the current fullnode. */
  get nodeUrl(): string {
    return this.fullnodes.find(({ preferred }) => preferred)?.url ?? this.context.transport.endpoint.url;
  }

  /**
   * Reports that a node returned malformed data. If there are several fullnodes, one that does so repeatedly is avoided
   * for a while.
   */
  reportUnfit(reason: QuarryError): void {
    this.#open.failover?.reportUnfit(reason);
  }

  /** Identity and progress of the node. */
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
  /** All matching targets. */
  listAllTargets(options: Omit<MaskedListTargetsOptions, 'pageToken'>): AsyncGenerator<PartialTarget, void, void>;
  listAllTargets(options?: Omit<ListTargetsOptions, 'pageToken'>): AsyncGenerator<Target, void, void>;
  listAllTargets(options?: Omit<ListTargetsOptions, 'pageToken'>): AsyncGenerator<PartialTarget, void, void> {
    return listAllTargets(this.context, options);
  }

  // Transactions.

  /** Executes a signed transaction, given decoded, as BCS, or as base64 of that. */
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
  /** Determines the outcome of a signed transaction that was sent earlier; executes it if it was not. */
  recoverTransaction(
    signed: SignedTransaction | Uint8Array | string,
    options?: ExecuteTransactionOptions,
  ): Promise<Recovery> {
    return recoverTransaction(this.context, signedOf(signed), options);
  }
  /** Number of the checkpoint that contains a transaction; `undefined` on timeout. */
  waitForTransaction(digest: Digest, options?: WaitOptions): Promise<bigint | undefined> {
    return waitForCheckpoint(this.context, this.#hub, digest, options);
  }
  /**
   * The account of a signer, which can send all kinds of transactions from one pool of coins. The same address returns
   * the same account, reconfigured by `options`.
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

/** Accepts a signed transaction decoded, as BCS, or as base64 of that. */
function signedOf(signed: SignedTransaction | Uint8Array | string): SignedTransaction {
  if (typeof signed === 'string') return decodeSignedTransaction(fromBase64(signed));
  return signed instanceof Uint8Array ? decodeSignedTransaction(signed) : signed;
}
