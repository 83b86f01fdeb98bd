import { QuarryError } from '../../errors/index.js';
import type { SomaClient } from '../../soma/client/soma-client.js';

/** Maximum transactions between the winner's and now: late submissions and reports. */
const MAX_STEPS = 32;

/**
 * When a filled target was won: the timestamp of the checkpoint with the winner's transaction. Every later transaction
 * that used the target created a new version of it, so this walks back through the versions.
 *
 * @returns milliseconds since the Unix epoch; `undefined` if the node has pruned it
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
