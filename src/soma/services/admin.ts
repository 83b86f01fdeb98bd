import { bcs } from '../chain/index.js';
import type { CallOptions } from '../client/transport/index.js';
import { BcsService, bcsMethod } from './bcs-service.js';

/** `/admin.Admin/AdvanceEpoch`: an empty request, `AdvanceEpochResponse { epoch }`. */
export const ADVANCE_EPOCH = bcsMethod(
  '/admin.Admin/AdvanceEpoch',
  bcs.unit,
  bcs.struct<{ readonly epoch: bigint }>({ epoch: bcs.u64 }),
);

/** The service itself gives up after 120 s. */
const TIMEOUT_MS = 130_000;

/** Controls a localnet. */
export class AdminClient extends BcsService {
  /** Ends the epoch and returns the number of the new one. */
  async advanceEpoch(options: CallOptions = {}): Promise<bigint> {
    return (await this.call(ADVANCE_EPOCH, {}, { ...options, timeoutMs: options.timeoutMs ?? TIMEOUT_MS })).epoch;
  }
}
