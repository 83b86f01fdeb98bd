import { Server as GrpcServer, Metadata } from '@grpc/grpc-js';
import { LedgerService } from '../../gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../gen/soma/rpc/state_service_pb.js';
import { SubscriptionService } from '../../gen/soma/rpc/subscription_service_pb.js';
import {
  type ExecuteTransactionRequest,
  TransactionExecutionService,
} from '../../gen/soma/rpc/transaction_execution_service_pb.js';
import { digestToBytes } from '../../soma/chain/digest.js';
import type { Address, ObjectId } from '../../soma/chain/id.js';
import type { Keypair } from '../../soma/chain/keys/keypair.js';
import type { TargetPayload } from '../../soma/chain/target.js';
import { objectRefFromRpc } from '../../soma/chain/wire/index.js';
import { advanceEpochMethod } from './admin.js';
import { AuditScorer } from './audit/audit-scorer.js';
import { Auditor, type AuditVerdict } from './audit/auditor.js';
import { BlobStore } from './blob-store.js';
import { byteFetcher } from './byte-fetcher.js';
import { Chaos } from './chaos.js';
import { summarySigner } from './checkpoints/certify.js';
import { EpochDriver } from './epoch-driver.js';
import { Faucet } from './faucet.js';
import { httpHandler } from './http-handler.js';
import { makeGenesis } from './ledger/genesis.js';
import type { Ledger } from './ledger/ledger.js';
import { coinBalance } from './ledger/ledger-object.js';
import { genesisValidators, networkKeypair } from './network-keys.js';
import { DevnetNode } from './node.js';
import { type DevnetOptions, resolveDevnetOptions } from './options.js';
import { addBcsMethod } from './rpc/bcs-service.js';
import { addNodeDiscovery } from './rpc/discovery.js';
import { executionService } from './rpc/execution-service.js';
import { addGrpcService, type CallHooks } from './rpc/grpc-service.js';
import { ledgerService } from './rpc/ledger-service.js';
import { stateService } from './rpc/state-service.js';
import { subscriptionService } from './rpc/subscription-service.js';
import { seededRandom } from './seeded-random.js';
import { listenShared } from './shared-port-server.js';

/** Where a devnet listens. */
export interface DevnetEndpoints {
  /** gRPC of the fullnode; its HTTP routes answer here as well. */
  readonly rpcUrl: string;
  readonly faucetUrl: string;
  readonly adminUrl: string;
  /** A plain host: `PUT` and `GET {httpUrl}/blobs/{name}`; the fullnode's HTTP routes answer here as well. */
  readonly httpUrl: string;
}

/** A running devnet. */
export interface Devnet extends DevnetEndpoints {
  /** Base58 digest of the genesis checkpoint. */
  readonly chainId: string;
  readonly node: DevnetNode;
  readonly ledger: Ledger;
  /** Validators' keys, for tests that report by hand. */
  readonly validators: readonly Keypair[];
  /** What audits found so far, in the order in which they ended. */
  readonly verdicts: readonly AuditVerdict[];
  /** Faults played so far. */
  readonly faults: Readonly<Chaos['played']>;
  /** Fees of all transactions so far, in shannons. */
  totalFees(): bigint;
  /** An owner's coins right now, in shannons; GetBalance lags behind by a checkpoint. */
  balanceOf(owner: Address): bigint;
  /** Every live target. */
  targets(): ReadonlyMap<ObjectId, TargetPayload>;
  /** Ends the epoch, once its audits are done; resolves to the new one when a checkpoint of it is sealed. */
  advanceEpoch(protocolVersion?: number): Promise<bigint>;
  /** Waits until every submission so far is audited. */
  settleAudits(): Promise<void>;
  /** Puts bytes on the devnet's own host and returns their URL. */
  putBlob(name: string, bytes: Uint8Array): string;
  /** Stops serving and ends every connection. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Starts a devnet in this process: a fullnode with its validators, faucet and admin service, on loopback TCP.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when an option is out of range
 * @throws QuarryError `CONFLICT` when a port is taken
 */
export async function startDevnet(given: DevnetOptions = {}): Promise<Devnet> {
  const options = resolveDevnetOptions(given);
  const validators = genesisValidators(options.seed, options.validators);
  const faucetKey = networkKeypair(options.seed, 'faucet', 0);
  const genesisTimestampMs = BigInt(Date.now());
  const genesis = makeGenesis({
    seed: BigInt(options.seed),
    timestampMs: genesisTimestampMs,
    protocolVersion: options.protocolVersion,
    parameters: options.parameters,
    emissionPerEpoch: options.emissionPerEpoch,
    accounts: [
      { address: faucetKey.address, coins: Array.from({ length: 5 }, () => 300_000_000_000_000n) },
      ...validators.map(({ keypair }) => ({ address: keypair.address, coins: [300_000_000_000_000n] })),
      ...options.accounts,
    ],
    validators: validators.map(({ metadata }) => ({ metadata, stake: 20_000_000_000_000n })),
    models: options.models,
  });
  const node = new DevnetNode(
    {
      genesis,
      genesisTimestampMs,
      signSummary: summarySigner(validators.map(({ key }) => key)),
      chain: 'localnet',
      serverVersion: options.serverVersion,
      retainCheckpoints: options.retainCheckpoints,
      retainTransactions: options.retainTransactions,
      finalityDelayMs: options.finalityDelayMs,
      abortedRejectionDelayMs: options.abortedRejectionDelayMs,
      readLagMs: options.readLagMs,
      parameterOverrides: options.parameterOverrides,
    },
    { now: Date.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  );
  const chaos = new Chaos(options.chaos);
  const blobs = new BlobStore(options.maxBlobBytes);
  const own = { httpUrl: '' };
  const fetchBytes = byteFetcher({ blobs, isOwn: (url) => own.httpUrl !== '' && url.startsWith(`${own.httpUrl}/`) });

  const scorer = options.modelConfig === undefined ? undefined : new AuditScorer(options.modelConfig);
  const auditor =
    scorer === undefined || options.auditShare === 0
      ? undefined
      : new Auditor(
          { share: options.auditShare },
          {
            node,
            scorer,
            validators: validators.map(({ keypair }) => keypair),
            fetchBytes,
            random: seededRandom(options.seed),
          },
        );
  if (auditor !== undefined) node.onExecuted((transaction) => auditor.consider(transaction));

  const driver = new EpochDriver(
    {
      checkpointIntervalMs: options.checkpointIntervalMs,
      idleCheckpointMs: options.idleCheckpointMs,
      epochMs: options.epochMs,
    },
    {
      node,
      // What was filled an epoch ago can be reported in the epoch that ends now, and never again.
      beforeEpochEnds: async () => auditor?.settle(node.ledger.state.epoch - 1n, options.auditWaitMs),
      afterEpochBegan: async () => auditor?.report(),
      checkpointDelayMs: () => chaos.checkpointDelayMs(),
    },
  );
  const faucet = new Faucet({ keypair: faucetKey, amount: options.faucetAmount, coins: options.faucetCoins }, { node });

  const rpc = new GrpcServer(GRPC_OPTIONS);
  const hooks: CallHooks = {
    headers: () => responseHeaders(node),
    around: async (path, request, call) => {
      await injectLedgerFaults(chaos, driver, node, path, request);
      return chaos.around(path, call);
    },
  };
  addGrpcService(rpc, LedgerService, ledgerService(node), hooks);
  addGrpcService(rpc, StateService, stateService(node), hooks);
  addGrpcService(
    rpc,
    TransactionExecutionService,
    executionService(node, () => chaos.injectFault('congestion')),
    hooks,
  );
  addGrpcService(
    rpc,
    SubscriptionService,
    subscriptionService(node, () => chaos.stream()),
    hooks,
  );
  addNodeDiscovery(rpc, [LedgerService, StateService, TransactionExecutionService, SubscriptionService]);
  const faucetServer = new GrpcServer(GRPC_OPTIONS);
  addBcsMethod(faucetServer, faucet.method());
  const adminServer = new GrpcServer(GRPC_OPTIONS);
  addBcsMethod(
    adminServer,
    advanceEpochMethod(() => driver.advance()),
  );

  const http = httpHandler({ node, blobs, fetchBytes, fault: () => chaos.download() });
  const { host, ports } = options;
  const listening: Awaited<ReturnType<typeof listenShared>>[] = [];
  const open = async (port: number, grpc: GrpcServer | undefined) => {
    const server = await listenShared({ host, port }, { grpc, http });
    listening.push(server);
    return server.url;
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      driver.close();
      await Promise.all(listening.map((each) => each.close()));
      await scorer?.close();
    })();
    return closing;
  };
  try {
    const endpoints = {
      rpcUrl: await open(ports.rpc, rpc),
      faucetUrl: await open(ports.faucet, faucetServer),
      adminUrl: await open(ports.admin, adminServer),
      httpUrl: await open(ports.http, undefined),
    };
    own.httpUrl = endpoints.httpUrl;
    driver.start();
    return {
      ...endpoints,
      chainId: node.chainId,
      node,
      ledger: node.ledger,
      validators: validators.map(({ keypair }) => keypair),
      get verdicts() {
        return auditor?.verdicts ?? [];
      },
      faults: chaos.played,
      totalFees: () => node.ledger.totalFees,
      balanceOf: (owner) => [...node.ledger.objects.ownedBy(owner)].reduce((sum, each) => sum + coinBalance(each), 0n),
      targets: () =>
        new Map([...node.ledger.objects.targets.from()].map(({ objectId, target }) => [objectId, target] as const)),
      advanceEpoch: (version) => driver.advance(version === undefined ? undefined : BigInt(version)),
      settleAudits: async () => auditor?.settle(node.ledger.state.epoch, options.auditWaitMs),
      putBlob: (name, bytes) => {
        blobs.put(name, bytes);
        return `${endpoints.httpUrl}/blobs/${name}`;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Requests may have 4 MiB, as the network allows; idle connections are kept. */
const GRPC_OPTIONS = { 'grpc.max_receive_message_length': 4 * 1024 * 1024, 'grpc.max_concurrent_streams': 4096 };

const EXECUTE = '/soma.rpc.TransactionExecutionService/ExecuteTransaction';

/** Plays the faults that need the ledger: an epoch that ends while a submission travels, a coin locked by a stranger. */
async function injectLedgerFaults(
  chaos: Chaos,
  driver: EpochDriver,
  node: DevnetNode,
  path: string,
  request: unknown,
): Promise<void> {
  if (path !== EXECUTE) return;
  const { transaction } = request as ExecuteTransactionRequest;
  if (transaction?.kind?.kind.case === 'submitData' && chaos.injectFault('epochChange')) await driver.advance();
  const [gas] = transaction?.gasPayment ?? [];
  if (gas === undefined || !chaos.injectFault('lockConflict')) return;
  const ref = objectRefFromRpc(gas, 'gas_payment[0]');
  const holder = node.ledger.lockForStranger(ref);
  setTimeout(() => node.ledger.release(ref.objectId, holder), chaos.lockMs).unref();
}

/** The headers every answer of a fullnode carries. */
function responseHeaders(node: DevnetNode): Metadata {
  const { latest, lowest } = node.checkpoints;
  const timestampMs = latest.summary.timestampMs;
  const metadata = new Metadata();
  metadata.set('x-soma-chain-id', Buffer.from(digestToBytes(node.chainId).subarray(0, 4)).toString('hex'));
  metadata.set('x-soma-chain', node.chain);
  metadata.set('x-soma-epoch', node.ledger.state.epoch.toString());
  metadata.set('x-soma-checkpoint-height', latest.sequenceNumber.toString());
  metadata.set('x-soma-timestamp-ms', timestampMs.toString());
  metadata.set('x-soma-timestamp', new Date(Number(timestampMs)).toISOString());
  metadata.set('x-soma-lowest-available-checkpoint', lowest.toString());
  metadata.set('x-soma-lowest-available-checkpoint-objects', lowest.toString());
  metadata.set('server', node.server);
  return metadata;
}
