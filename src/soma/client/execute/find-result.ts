import { type QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { backoffDelayMs } from '../../../http/index.js';
import type { Digest } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { getTransaction } from '../read/get-transaction.js';
import { resultOf, type TransactionResult } from './transaction-result.js';

export interface FindResultOptions extends CallOptions {
  /** Look-ups that must all say that there is no such transaction before it counts as absent. Default 6. */
  readonly reads?: number | undefined;
}

const READ_TIMEOUT_MS = 5_000;
const PAUSE = { baseMs: 300, maxMs: 2_000 } as const;

/**
 * Looks up what a transaction did, by its digest. A fullnode may hear of a used coin, or answer an execution, a moment
 * before it knows the transaction itself, so one look-up that finds nothing proves nothing.
 *
 * @returns `undefined` when every look-up found nothing
 * @throws QuarryError when the node could not tell at the last look-up, or `ABORTED` when the signal fires
 */
export async function findResult(
  client: ClientContext,
  digest: Digest,
  options: FindResultOptions = {},
): Promise<TransactionResult | undefined> {
  const { reads = 6, signal } = options;
  for (let read = 1; ; read++) {
    throwIfAborted(signal, 'looking up a transaction');
    let failure: QuarryError | undefined;
    try {
      return resultOf(await getTransaction(client, digest, { timeoutMs: READ_TIMEOUT_MS, signal }), digest);
    } catch (caught) {
      const error = toQuarryError(caught, 'looking up a transaction');
      if (error.code === 'ABORTED' && signal?.aborted) throw error;
      if (error.code !== 'NOT_FOUND') failure = error;
    }
    if (read >= reads) {
      if (failure !== undefined) throw failure;
      return undefined;
    }
    await client.sleep(backoffDelayMs(read - 1, PAUSE, client.random), signal);
  }
}
