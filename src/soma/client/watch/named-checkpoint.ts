import { QuarryError } from '../../../errors/index.js';
import type { Checkpoint as CheckpointMessage } from '../../../gen/soma/rpc/checkpoint_pb.js';
import type { SubscribeCheckpointsResponse } from '../../../gen/soma/rpc/subscription_service_pb.js';
import type { CallOptions, ClientContext } from '../context.js';
import { required } from '../decode/required.js';
import { readCheckpoint, wrongNumber } from '../read/get-checkpoint.js';
import { getServiceInfo, type ServiceInfo } from '../read/get-service-info.js';

// Whoever follows the chain from a checkpoint skips what comes before it. From a number that no checkpoint has yet,
// everything would be skipped, without end and without an error.

/**
 * Reads a checkpoint that the node has named.
 *
 * @throws QuarryError `PROTOCOL` when the node does not have it
 */
export async function assertCheckpoint(client: ClientContext, named: bigint, options: CallOptions): Promise<void> {
  try {
    await readCheckpoint(client, named, { ...options, readMask: ['sequence_number'] });
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'NOT_FOUND') throw error;
    throw wrongNumber(`the fullnode names checkpoint ${named}, which it does not have`, error);
  }
}

/** Reads where the chain is. The highest checkpoint named there exists. */
export async function getPosition(client: ClientContext, options: CallOptions): Promise<ServiceInfo> {
  const info = await getServiceInfo(client, options);
  await assertCheckpoint(client, info.checkpointHeight, options);
  return info;
}

/**
 * Reads a streamed item: a checkpoint and its number.
 *
 * @throws QuarryError `PROTOCOL` when the checkpoint has another number
 */
export function numberedItem(item: SubscribeCheckpointsResponse): { cursor: bigint; message: CheckpointMessage } {
  const cursor = required(item.cursor, 'cursor');
  const message = required(item.checkpoint, 'checkpoint');
  const { sequenceNumber = cursor } = message;
  if (sequenceNumber === cursor) return { cursor, message };
  throw wrongNumber(`the fullnode streams checkpoint ${sequenceNumber} as number ${cursor}`);
}
