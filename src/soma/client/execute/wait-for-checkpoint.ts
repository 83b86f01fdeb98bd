import { QuarryError } from '../../../errors/index.js';
import { childSignal } from '../../../net/index.js';
import type { Digest } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { getTransaction } from '../read/get-transaction.js';
import type { CheckpointTicket, CheckpointWaiter } from '../watch/checkpoint-waiter.js';

/** Options for waiting for a transaction's checkpoint. */
export interface WaitOptions {
  /** Maximum wait. Default 30 s. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Delay before the first look-up while the subscription works, which almost always makes it unnecessary. */
const PATIENT_POLL_MS = 3_000;
/** Delay between look-ups otherwise. Checkpoints are at least 200 ms apart. */
const POLL_MS = 400;

/**
 * Waits until a transaction is in a checkpoint, using the shared subscription and, if that fails, look-ups. Returns
 * `undefined` on timeout.
 *
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function waitForCheckpoint(
  client: ClientContext,
  hub: CheckpointWaiter,
  digest: Digest,
  options: WaitOptions = {},
  ticket: CheckpointTicket = hub.watch(digest),
): Promise<bigint | undefined> {
  const deadline = client.now() + (options.waitMs ?? 30_000);
  const stop = childSignal(options.signal);
  try {
    return await Promise.race([ticket.checkpoint, poll(client, hub, digest, deadline, stop.signal)]);
  } finally {
    stop.close();
    ticket.cancel();
  }
}

async function poll(
  client: ClientContext,
  hub: CheckpointWaiter,
  digest: Digest,
  deadline: number,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  for (;;) {
    const left = deadline - client.now();
    if (left <= 0) return undefined;
    await client.sleep(Math.min(left, hub.live ? PATIENT_POLL_MS : POLL_MS), signal);
    try {
      const found = await getTransaction(client, digest, {
        readMask: ['digest', 'checkpoint'],
        timeoutMs: 5_000,
        signal,
      });
      if (found.checkpoint !== undefined) return found.checkpoint;
    } catch (error) {
      if (signal.aborted) throw error;
      // Not yet there, or the node is temporarily away: keep polling.
      if (error instanceof QuarryError && !error.retryable && error.code !== 'NOT_FOUND') throw error;
    }
  }
}
