import { QuarryError } from '../../../errors/index.js';
import { childSignal } from '../../../net/index.js';
import type { ClientContext } from '../context.js';
import { watchEpochs } from './watch-epochs.js';

/** Options for waiting for the next epoch. */
export interface WaitForNextEpochOptions {
  /** Maximum wait in milliseconds. Default 120 s; epochs of the testnet last a day. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for the next epoch and returns its number.
 *
 * @throws QuarryError `TIMEOUT` when none begins in time
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function waitForNextEpoch(client: ClientContext, options: WaitForNextEpochOptions = {}): Promise<bigint> {
  const timeoutMs = options.timeoutMs ?? 120_000;
  const link = childSignal(options.signal);
  const timer = setTimeout(() => link.close(), timeoutMs);
  try {
    let first: bigint | undefined;
    for await (const { epoch } of watchEpochs(client, { signal: link.signal })) {
      first ??= epoch;
      if (epoch > first) return epoch;
    }
    throw new QuarryError('INTERNAL', 'the watch for epochs ended');
  } catch (error) {
    if (options.signal?.aborted || !link.signal.aborted) throw error;
    throw new QuarryError('TIMEOUT', `no epoch began within ${timeoutMs} ms`, {
      hint: 'raise timeoutMs; the system parameters have the length of an epoch',
      details: { timeoutMs },
    });
  } finally {
    clearTimeout(timer);
    link.close();
  }
}
