import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { timestampFromRpc } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { possibleCount, possibleEpoch } from '../decode/possible.js';
import { required } from '../decode/required.js';

/** Identity and progress of a node. */
export interface ServiceInfo {
  /** Base58 digest of the genesis checkpoint. */
  readonly chainId: string;
  /** `testnet` or `localnet`; unnamed chains report the latter. */
  readonly chain: string;
  readonly epoch: bigint;
  readonly checkpointHeight: bigint;
  readonly timestampMs: bigint | undefined;
  /** Older checkpoints were pruned. */
  readonly lowestAvailableCheckpoint: bigint | undefined;
  readonly lowestAvailableCheckpointObjects: bigint | undefined;
  /** Program and version, such as `soma-node/1.0.0`. */
  readonly server: string;
}

/**
 * Reads a node's identity and progress.
 *
 * @throws QuarryError `CONFIG_INVALID` when the node is on another chain than before
 */
export async function getServiceInfo(client: ClientContext, options: CallOptions = {}): Promise<ServiceInfo> {
  const info = await client.transport.unary(LedgerService.method.getServiceInfo, {}, controlOf(options));
  const chainId = required(info.chainId, 'chain_id');
  client.chain.identify(chainId, client.transport.endpoint.url);
  return {
    chainId,
    chain: required(info.chain, 'chain'),
    epoch: possibleEpoch(required(info.epoch, 'epoch'), 'epoch'),
    checkpointHeight: possibleCount(required(info.checkpointHeight, 'checkpoint_height'), 'checkpoint_height'),
    timestampMs: info.timestamp === undefined ? undefined : timestampFromRpc(info.timestamp),
    lowestAvailableCheckpoint: info.lowestAvailableCheckpoint,
    lowestAvailableCheckpointObjects: info.lowestAvailableCheckpointObjects,
    server: info.server ?? '',
  };
}
