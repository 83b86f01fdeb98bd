import type { ClientContext } from '../context.js';
import { getServiceInfo } from '../read/get-service-info.js';
import { type WatchCheckpointsOptions, watchCheckpoints } from './watch-checkpoints.js';

/** An epoch that has begun. */
export interface EpochChange {
  readonly epoch: bigint;
  /** The last checkpoint of the epoch before; absent for the epoch that is current when the watch begins. */
  readonly lastCheckpoint: bigint | undefined;
  /** Set when the protocol version is known to be another one from now on. */
  readonly protocolVersion: bigint | undefined;
}

/** As for checkpoints, without the place to begin: only epochs to come are watched. */
export type WatchEpochsOptions = Omit<WatchCheckpointsOptions, 'readMask' | 'from'>;

/** Tells the current epoch, then every epoch as it begins. */
export async function* watchEpochs(
  client: ClientContext,
  options: WatchEpochsOptions = {},
): AsyncGenerator<EpochChange, void, void> {
  const control = { signal: options.signal };
  const info = await getServiceInfo(client, control);
  let epoch = info.epoch;
  yield { epoch, lastCheckpoint: undefined, protocolVersion: undefined };
  const from = info.checkpointHeight + 1n;
  for await (const { summary, sequenceNumber } of watchCheckpoints(client, {
    ...options,
    from,
    readMask: ['summary'],
  })) {
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
