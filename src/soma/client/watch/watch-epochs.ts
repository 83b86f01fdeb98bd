import type { ClientContext } from '../context.js';
import { checkpointFrom } from '../decode/checkpoint.js';
import { getPosition } from './named-checkpoint.js';
import { followCheckpoints, type WatchCheckpointsOptions } from './watch-checkpoints.js';

/** A new epoch. */
export interface EpochChange {
  readonly epoch: bigint;
  /** The last checkpoint of the previous epoch; absent for the epoch that is current when the watch starts. */
  readonly lastCheckpoint: bigint | undefined;
  /** Set if the protocol version is known to change. */
  readonly protocolVersion: bigint | undefined;
}

/** Options as for checkpoints, but without a starting point: only future epochs are watched. */
export type WatchEpochsOptions = Omit<WatchCheckpointsOptions, 'readMask' | 'from'>;

/** Yields the current epoch, then every new epoch. */
export async function* watchEpochs(
  client: ClientContext,
  options: WatchEpochsOptions = {},
): AsyncGenerator<EpochChange, void, void> {
  const control = { signal: options.signal };
  const info = await getPosition(client, control);
  let epoch = info.epoch;
  yield { epoch, lastCheckpoint: undefined, protocolVersion: undefined };
  const from = info.checkpointHeight + 1n;
  const following = { ...options, from, isReached: true, readMask: ['summary'] };
  for await (const item of followCheckpoints(client, following, checkpointFrom)) {
    if (!('checkpoint' in item)) continue;
    const { summary, sequenceNumber } = item.checkpoint;
    if (summary === undefined) continue;
    const next = summary.endOfEpoch === undefined ? summary.epoch : summary.epoch + 1n;
    if (next <= epoch) continue;
    epoch = next;
    yield {
      epoch,
      lastCheckpoint: summary.endOfEpoch === undefined ? undefined : sequenceNumber,
      protocolVersion: summary.endOfEpoch?.nextProtocolVersion,
    };
  }
}
