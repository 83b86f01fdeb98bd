import type { Server as GrpcServer } from '@grpc/grpc-js';
import { QuarryError } from '../../errors/index.js';
import type { Address, ObjectId } from '../../soma/chain/id.js';
import type { Keypair } from '../../soma/chain/keys/keypair.js';
import type { TargetPayload } from '../../soma/chain/target.js';
import { AuditScorer } from './audit/audit-scorer.js';
import { Auditor, type AuditVerdict } from './audit/auditor.js';
import { BlobStore } from './blob-store.js';
import { byteFetcher } from './byte-fetcher.js';
import { Chaos } from './chaos.js';
import { EpochDriver } from './epoch-driver.js';
import { httpHandler } from './http-handler.js';
import type { Ledger } from './ledger/ledger.js';
import { coinBalance } from './ledger/ledger-object.js';
import { makeNode } from './make-node.js';
import type { DevnetNode } from './node.js';
import { type DevnetOptions, resolveDevnetOptions } from './options.js';
import { grpcServers } from './rpc/grpc-servers.js';
import { seededRandom } from './seeded-random.js';
import { listenShared } from './shared-port-server.js';

/** Memory limit of the blob host. */
const MAX_BLOB_BYTES = 4 * 1024 ** 3;

/** Addresses of a devnet. */
export interface DevnetEndpoints {
  /** gRPC and HTTP routes of the fullnode. */
  readonly rpcUrl: string;
  readonly faucetUrl: string;
  readonly adminUrl: string;
  /** A plain blob host: `PUT` and `GET {httpUrl}/blobs/{name}`; also serves the fullnode's HTTP routes. */
  readonly httpUrl: string;
}

/** A running devnet. */
export interface Devnet extends DevnetEndpoints {
  /** Base58 digest of the genesis checkpoint. */
  readonly chainId: string;
  readonly node: DevnetNode;
  readonly ledger: Ledger;
  /** Validators' keys, for tests that send reports. */
  readonly validators: readonly Keypair[];
  /** Results of all audits so far, in order of completion. */
  readonly verdicts: readonly AuditVerdict[];
  /** Number of faults injected so far. */
  readonly faults: Readonly<Chaos['played']>;
  /** Fees of all transactions so far, in shannons. */
  totalFees(): bigint;
  /** An owner's current balance in shannons; GetBalance lags behind by a checkpoint. */
  balanceOf(owner: Address): bigint;
  /** All targets that currently exist. */
  targets(): ReadonlyMap<ObjectId, TargetPayload>;
  /** Ends the epoch once its audits are done; resolves to the new epoch when a checkpoint of it is sealed. */
  advanceEpoch(protocolVersion?: number): Promise<bigint>;
  /** Waits until all submissions so far are audited. */
  settleAudits(): Promise<void>;
  /**
   * Stores bytes on the devnet's own host and returns their URL.
   *
   * @throws QuarryError `DATA_TOO_LARGE` when all blobs together would exceed 4 GiB
   */
  putBlob(name: string, bytes: Uint8Array): string;
  /** Stops serving and closes all connections. Idempotent. */
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
  const { node, validators, faucet } = makeNode(options);
  const chaos = new Chaos(options.chaos);
  const blobs = new BlobStore(MAX_BLOB_BYTES);
  const own = { httpUrl: '' };
  const fetchBytes = byteFetcher({ blobs, isOwn: (url) => own.httpUrl !== '' && url.startsWith(`${own.httpUrl}/`) });
  const keypairs = validators.map(({ keypair }) => keypair);
  const { modelConfig, auditEngine } = options;
  const scorer = modelConfig === undefined ? undefined : new AuditScorer(modelConfig, auditEngine);
  const auditor =
    scorer === undefined || options.auditShare === 0
      ? undefined
      : new Auditor(
          { share: options.auditShare },
          { node, scorer, validators: keypairs, fetchBytes, random: seededRandom(options.seed) },
        );
  if (auditor !== undefined) node.onExecuted((transaction) => auditor.consider(transaction));
  const driver = epochDriver(options, node, auditor, chaos);
  const servers = grpcServers(node, driver, chaos, faucet);
  const http = httpHandler({ node, blobs, fetchBytes, fault: () => chaos.download() });

  const listening: Awaited<ReturnType<typeof listenShared>>[] = [];
  const open = async (port: number, grpc: GrpcServer | undefined) => {
    const server = await listenShared({ host: options.host, port }, { grpc, http });
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
    const { ports } = options;
    const endpoints = {
      rpcUrl: await open(ports.rpc, servers.rpc),
      faucetUrl: await open(ports.faucet, servers.faucet),
      adminUrl: await open(ports.admin, servers.admin),
      httpUrl: await open(ports.http, undefined),
    };
    own.httpUrl = endpoints.httpUrl;
    driver.start();
    const auditWait = options.auditWaitMs;
    return running({ endpoints, node, validators: keypairs, auditor, auditWait, driver, chaos, blobs, close });
  } catch (error) {
    await close();
    throw error;
  }
}

type ResolvedOptions = ReturnType<typeof resolveDevnetOptions>;

function epochDriver(
  options: ResolvedOptions,
  node: DevnetNode,
  auditor: Auditor | undefined,
  chaos: Chaos,
): EpochDriver {
  const { checkpointIntervalMs, idleCheckpointMs, epochMs, auditWaitMs } = options;
  return new EpochDriver(
    { checkpointIntervalMs, idleCheckpointMs, epochMs },
    {
      node,
      // Submissions of the previous epoch can be reported only in the epoch that is ending now.
      beforeEpochEnds: async () => auditor?.settle(node.ledger.state.epoch - 1n, auditWaitMs),
      afterEpochBegan: async () => auditor?.report(),
      checkpointDelayMs: () => chaos.checkpointDelayMs(),
    },
  );
}

/** The devnet as returned to the caller. */
function running(parts: {
  readonly endpoints: DevnetEndpoints;
  readonly node: DevnetNode;
  readonly validators: readonly Keypair[];
  readonly auditor: Auditor | undefined;
  readonly auditWait: number;
  readonly driver: EpochDriver;
  readonly chaos: Chaos;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}): Devnet {
  const { endpoints, node, validators, auditor, auditWait, driver, chaos, blobs, close } = parts;
  return {
    ...endpoints,
    chainId: node.chainId,
    node,
    ledger: node.ledger,
    validators,
    get verdicts() {
      return auditor?.verdicts ?? [];
    },
    faults: chaos.played,
    totalFees: () => node.ledger.totalFees,
    balanceOf: (owner) => [...node.ledger.objects.ownedBy(owner)].reduce((sum, each) => sum + coinBalance(each), 0n),
    targets: () =>
      new Map([...node.ledger.objects.targets.from()].map(({ objectId, target }) => [objectId, target] as const)),
    advanceEpoch: (version) => driver.advance(version === undefined ? undefined : BigInt(version)),
    settleAudits: async () => auditor?.settle(node.ledger.state.epoch, auditWait),
    putBlob: (name, bytes) => {
      if (!blobs.put(name, bytes)) {
        throw new QuarryError(
          'DATA_TOO_LARGE',
          `the devnet's host has no room for the ${bytes.length} bytes of ${name}`,
          { hint: `its blobs may have ${MAX_BLOB_BYTES} bytes in all` },
        );
      }
      return `${endpoints.httpUrl}/blobs/${name}`;
    },
    close,
  };
}
