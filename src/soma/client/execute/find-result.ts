import { type QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { backoffDelayMs } from '../../../net/index.js';
import type { Digest } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import { getTransaction } from '../read/get-transaction.js';
import { resultOf, type TransactionResult } from './transaction-result.js';

export interface FindResultOptions extends CallOptions {
  /** Number of look-ups that must find nothing before a transaction counts as absent. Default 6. */
  readonly reads?: number | undefined;
}

const READ_TIMEOUT_MS = 5_000;
const PAUSE = { baseMs: 300, maxMs: 2_000 } as const;

/**
 * Looks up a transaction's result by its digest. A fullnode may see a spent coin, or answer an execution, a moment
 * before it knows the transaction itself, so a single unsuccessful look-up proves nothing.
 *
 * @returns `undefined` if every look-up found nothing
 * @throws QuarryError when the last look-up failed, or `ABORTED` when the signal fires
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
