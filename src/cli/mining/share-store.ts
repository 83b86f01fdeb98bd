import { setTimeout as pause } from 'node:timers/promises';
import { isLockedForWriting } from '../../database/writer-lock.js';
import { QuarryError } from '../../errors/index.js';
import type { AssembledMiner } from '../../miner/index.js';
import { freeSlot, storeDirOf } from '../../miner/share/slots.js';
import { keyDirOf } from '../../miner/submit/key-lock.js';

/** How often it is looked whether the miner is there that this process scores for. */
const LOOK_MS = 2_000;
/** A miner takes its key a moment after its store. */
const KEY_PATIENCE_MS = 15_000;

/** Whose state a process works on. */
export interface StoreRole {
  /** Its own. */
  readonly stateDir: string;
  /** That of the miner it scores for; absent where it is the miner. */
  readonly scoreFor?: string | undefined;
}

/**
 * What a process is in a state directory that may be shared: the miner where there is none, else one that scores for it.
 *
 * @throws QuarryError `CONFLICT` when too many score for it already
 */
export function roleIn(stateDir: string, shares: boolean): StoreRole {
  if (!shares || !isLockedForWriting(storeDirOf(stateDir))) return { stateDir };
  return { stateDir: freeSlot(stateDir), scoreFor: stateDir };
}

/** Whether an error says that another process was quicker to take a directory that is shared. */
export function isOvertaken(error: unknown, { stateDir }: StoreRole): boolean {
  return error instanceof QuarryError && error.code === 'STORE_LOCKED' && error.details['dir'] === storeDirOf(stateDir);
}

/** An error of a state directory that another process uses, with what can be done about it. */
export function withSharingHint(error: unknown, role: StoreRole): unknown {
  if (!isOvertaken(error, role)) return error;
  const { message, details } = error as QuarryError;
  return new QuarryError('STORE_LOCKED', message, {
    hint: 'stop the other process, name another --state-dir, or let this one score for it: --share-store',
    details,
    cause: error,
    retryable: false,
  });
}

/**
 * Makes sure that the miner which this process scores for mines with the same key: what is scored earns for that one.
 *
 * @param keysDir where keys in use are locked
 * @throws QuarryError `CONFLICT` when it does not
 */
export async function assertSameKey(
  keysDir: string,
  address: string,
  { journal }: Pick<AssembledMiner, 'journal'>,
  scoreFor: string,
): Promise<void> {
  const deadline = performance.now() + KEY_PATIENCE_MS;
  while (!isLockedForWriting(keyDirOf(keysDir, address, journal.chainId ?? ''))) {
    // One that is gone meanwhile is taken over from.
    if (!isLockedForWriting(storeDirOf(scoreFor))) return;
    if (performance.now() > deadline) {
      throw new QuarryError('CONFLICT', `the process that uses ${scoreFor} does not mine for ${address}`, {
        hint: 'a shared state directory belongs to one key: use the key of the other process, or another --state-dir',
        details: { address, stateDir: scoreFor },
        retryable: false,
      });
    }
    await pause(LOOK_MS / 20);
  }
}

/** Calls back once, when the miner of a state directory is gone; call the answer to look no more. */
export function whenGone(stateDir: string, onGone: () => void): () => void {
  const timer = setInterval(() => {
    if (isLockedForWriting(storeDirOf(stateDir))) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
