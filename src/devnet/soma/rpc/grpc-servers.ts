import { Server as GrpcServer, Metadata } from '@grpc/grpc-js';
import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import { SubscriptionService } from '../../../gen/soma/rpc/subscription_service_pb.js';
import {
  type ExecuteTransactionRequest,
  TransactionExecutionService,
} from '../../../gen/soma/rpc/transaction_execution_service_pb.js';
import { digestToBytes } from '../../../soma/chain/digest.js';
import { objectRefFromRpc } from '../../../soma/chain/wire/index.js';
import { advanceEpochMethod } from '../admin.js';
import type { Chaos } from '../chaos.js';
import type { EpochDriver } from '../epoch-driver.js';
import type { Faucet } from '../faucet.js';
import type { DevnetNode } from '../node.js';
import { addBcsMethod } from './bcs-service.js';
import { CallTurns } from './call-turns.js';
import { addNodeDiscovery } from './discovery.js';
import { executionService } from './execution-service.js';
import { addGrpcService, type CallHooks } from './grpc-service.js';
import { ledgerService } from './ledger-service.js';
import { stateService } from './state-service.js';
import { subscriptionService } from './subscription-service.js';

/** The gRPC servers of a devnet, before they listen. */
export interface GrpcServers {
  readonly rpc: GrpcServer;
  readonly faucet: GrpcServer;
  readonly admin: GrpcServer;
}

/** Creates the servers of the fullnode, the faucet and the admin service. */
export function grpcServers(node: DevnetNode, driver: EpochDriver, chaos: Chaos, faucet: Faucet): GrpcServers {
  const rpc = new GrpcServer(GRPC_OPTIONS);
  const turns = new CallTurns();
  const hooks: CallHooks = {
    headers: () => responseHeaders(node),
    around: async (path, request, call) => {
      await turns.next();
      await injectLedgerFaults(chaos, driver, node, path, request);
      return chaos.around(path, call);
    },
  };
  addGrpcService(rpc, LedgerService, ledgerService(node), hooks);
  addGrpcService(rpc, StateService, stateService(node), hooks);
  const execution = executionService(node, () => chaos.injectFault('congestion'));
  addGrpcService(rpc, TransactionExecutionService, execution, hooks);
  const subscription = subscriptionService(node, () => chaos.stream());
  addGrpcService(rpc, SubscriptionService, subscription, hooks);
  addNodeDiscovery(rpc, [LedgerService, StateService, TransactionExecutionService, SubscriptionService]);
  const faucetServer = new GrpcServer(GRPC_OPTIONS);
  addBcsMethod(faucetServer, faucet.method());
  const admin = new GrpcServer(GRPC_OPTIONS);
  const advance = advanceEpochMethod(() => driver.advance());
  addBcsMethod(admin, advance);
  return { rpc, faucet: faucetServer, admin };
}

/** Requests of up to 4 MiB, as on the network. */
const GRPC_OPTIONS = { 'grpc.max_receive_message_length': 4 * 1024 * 1024, 'grpc.max_concurrent_streams': 4096 };

const EXECUTE = '/soma.rpc.TransactionExecutionService/ExecuteTransaction';

/**
 * Injects faults that need the ledger: the epoch ends while a submission is in flight, or a coin is locked by another
 * transaction.
 */
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
  const { lockMs } = chaos;
  if (lockMs !== 'epoch') setTimeout(() => node.ledger.release(ref.objectId, holder), lockMs).unref();
}

/** Headers of every response of a fullnode. */
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
