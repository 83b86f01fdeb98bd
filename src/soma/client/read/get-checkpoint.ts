import { QuarryError } from '../../../errors/index.js';
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
 * @throws QuarryError `PROTOCOL` when the node answers with another one
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
  const checkpoint = required(answer.checkpoint, 'checkpoint');
  const { sequenceNumber } = checkpoint;
  if (typeof id !== 'bigint' || sequenceNumber === undefined || sequenceNumber === id) return checkpoint;
  throw wrongNumber(`the fullnode answers with checkpoint ${sequenceNumber} when asked for number ${id}`);
}

/** Asking again helps: one answer was wrong, or it was of another fullnode, which lags. */
export function wrongNumber(message: string, cause?: QuarryError): QuarryError {
  return new QuarryError('PROTOCOL', message, {
    hint: 'if this goes on, try another fullnode: name several with --fullnodes',
    retryable: true,
    ...(cause !== undefined && { cause }),
  });
}
