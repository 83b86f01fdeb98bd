import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isLockedForWriting, lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
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
  /** Lets another process be the miner. */
  release(): void;
}

/**
 * Makes this process the miner of a state directory, from before it opens anything there until the role is released; where
 * there is a miner, one that scores for it, if it shares.
 *
 * @param address of the key it mines with, for those that come to share
 * @throws QuarryError `STORE_LOCKED` when there is a miner and this process does not share
 * @throws QuarryError `CONFLICT` when too many score for it already
 */
export function takeRole(stateDir: string, shares: boolean, address: string): StoreRole {
  const lock = lockRole(stateDir, shares);
  // A program of the owner's own may have the store alone.
  if (lock !== undefined && !(shares && isLockedForWriting(storeDirOf(stateDir)))) {
    writeFileSync(addressFileOf(stateDir), address);
    return { stateDir, release: () => lock.release() };
  }
  lock?.release();
  return { stateDir: freeSlot(stateDir), scoreFor: stateDir, release: () => {} };
}

/** Whether an error says that another process was quicker to take a directory that is shared. */
export function isOvertaken(error: unknown, { stateDir }: StoreRole): boolean {
  return error instanceof QuarryError && error.code === 'STORE_LOCKED' && error.details['dir'] === storeDirOf(stateDir);
}

/** An error of a state directory that another process uses, with what can be done about it. */
export function withSharingHint(error: unknown, role: StoreRole): unknown {
  return isOvertaken(error, role) ? inUse(role.stateDir, error as QuarryError) : error;
}

/**
 * Makes sure that the miner which this process scores for mines with the same key: what is scored earns for that one.
 *
 * @param keysDir where keys in use are locked
 * @param signal ends the wait
 * @throws QuarryError `CONFLICT` when it does not
 */
export async function assertSameKey(
  keysDir: string,
  address: string,
  { journal }: Pick<AssembledMiner, 'journal'>,
  scoreFor: string,
  signal: AbortSignal,
): Promise<void> {
  let deadline = Number.POSITIVE_INFINITY;
  while (!signal.aborted && !isLockedForWriting(keyDirOf(keysDir, address, journal.chainId ?? ''))) {
    // One that spends nothing, as with --dry-run, takes no key, and says whose it has.
    if (minerAddress(scoreFor) === address) return;
    // One that is gone meanwhile is taken over from.
    if (!isMinerThere(scoreFor)) return;
    if (deadline === Number.POSITIVE_INFINITY && isLockedForWriting(storeDirOf(scoreFor)))
      deadline = performance.now() + KEY_PATIENCE_MS;
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
    try {
      if (isMinerThere(stateDir)) return;
    } catch {
      // What cannot be looked at now, for want of file descriptors perhaps, is looked at again.
      return;
    }
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function roleDirOf(stateDir: string): string {
  return join(stateDir, 'role');
}

function addressFileOf(stateDir: string): string {
  return join(roleDirOf(stateDir), 'address');
}

/** The key of the process that has the miner's role; `undefined` where it is free, or not said. */
function minerAddress(stateDir: string): string | undefined {
  if (!isLockedForWriting(roleDirOf(stateDir))) return undefined;
  try {
    return readFileSync(addressFileOf(stateDir), 'utf8');
  } catch {
    return undefined;
  }
}

function isMinerThere(stateDir: string): boolean {
  return isLockedForWriting(roleDirOf(stateDir)) || isLockedForWriting(storeDirOf(stateDir));
}

/** The miner's role; `undefined` where another process has it and this one may score for that. */
function lockRole(stateDir: string, shares: boolean): WriterLock | undefined {
  try {
    mkdirSync(roleDirOf(stateDir), { recursive: true });
    return lockForWriting(roleDirOf(stateDir));
  } catch (caught) {
    const error = toQuarryError(caught, `locking ${stateDir}`);
    if (error.code !== 'STORE_LOCKED') throw error;
    if (shares) return undefined;
    throw inUse(stateDir, error);
  }
}

function inUse(stateDir: string, cause: QuarryError): QuarryError {
  const { pid } = cause.details;
  const user = typeof pid === 'string' ? `process ${pid}` : 'another process';
  return new QuarryError('STORE_LOCKED', `${user} uses the state directory ${stateDir}`, {
    hint: 'stop the other process, name another --state-dir, or let this one score for it: --share-store',
    details: { dir: stateDir, pid },
    cause,
    retryable: false,
  });
}
