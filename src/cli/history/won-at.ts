import { QuarryError } from '../../errors/index.js';
import type { SomaClient } from '../../soma/client/soma-client.js';

/** Transactions that may lie between the winner's and now: those who came too late, and reports. */
const MAX_STEPS = 32;

/**
 * When a filled target was won: the time of the checkpoint with the winner's transaction. Every transaction that named the
 * target since then has made a version of it, so its versions are walked back to the winner's.
 *
 * @returns milliseconds since the Unix epoch; `undefined` where the node has forgotten
 */
export async function wonAt(
  client: Pick<SomaClient, 'getObject' | 'getTransaction'>,
  targetId: string,
  submitter: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  let version: bigint | undefined;
  try {
    for (let step = 0; step < MAX_STEPS; step++) {
      const { previousTransaction } = await client.getObject(targetId, { version, signal });
      const { effects, balanceChanges, timestampMs } = await client.getTransaction(previousTransaction, { signal });
      const paid = balanceChanges.some(({ address, amountShannons }) => address === submitter && amountShannons < 0n);
      if (paid && effects?.status.kind === 'success')
        return timestampMs === undefined ? undefined : Number(timestampMs);
      const before = effects?.changedObjects.find(({ objectId }) => objectId === targetId)?.input;
      if (before?.kind !== 'exist') return undefined;
      version = before.version;
    }
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'NOT_FOUND') throw error;
  }
  return undefined;
}
