import type { Checkpoint as CheckpointMessage } from '../../../gen/soma/rpc/checkpoint_pb.js';
import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import type { Digest } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type Checkpoint, checkpointFrom } from '../decode/checkpoint.js';
import { required } from '../decode/required.js';
import { maskWith, type ReadMask } from '../read-mask.js';

/** A checkpoint by number or digest, or the latest. */
export type CheckpointId = bigint | Digest | 'latest';

export interface GetCheckpointOptions extends CallOptions {
  /** Relative to Checkpoint. Default: number, digest and summary. */
  readonly readMask?: ReadMask | undefined;
}

/**
 * Reads a checkpoint.
 *
 * @throws QuarryError `NOT_FOUND` when the node does not have it, or has pruned it
 */
export async function getCheckpoint(
  client: ClientContext,
  id: CheckpointId = 'latest',
  options: GetCheckpointOptions = {},
): Promise<Checkpoint> {
  const message = await readCheckpoint(client, id, options);
  return checkpointFrom(message, typeof id === 'bigint' ? id : undefined);
}

/** Like {@link getCheckpoint}, without decoding it. */
export async function readCheckpoint(
  client: ClientContext,
  id: CheckpointId,
  options: GetCheckpointOptions,
): Promise<CheckpointMessage> {
  const answer = await client.transport.unary(
    LedgerService.method.getCheckpoint,
    {
      ...(typeof id === 'bigint' && { checkpointId: { case: 'sequenceNumber', value: id } as const }),
      ...(typeof id === 'string' && id !== 'latest' && { checkpointId: { case: 'digest', value: id } as const }),
      readMask: { paths: maskWith(options.readMask ?? ['digest', 'summary'], ['sequence_number']) },
    },
    controlOf(options),
  );
  return required(answer.checkpoint, 'checkpoint');
}
