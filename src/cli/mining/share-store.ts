import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isLockedForWriting, lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { assertRegularFile } from '../../files/regular-file.js';
import type { AssembledMiner } from '../../miner/index.js';
import { freeSlot } from '../../miner/share/slots.js';
import { STATE_ENTRIES, storeDirOf } from '../../miner/state/state-entries.js';
import { keyDirOf } from '../../miner/submit/key-lock.js';

/** Interval for checking whether the miner that this process scores for is still running. */
const LOOK_MS = 2_000;
/** A miner locks its key shortly after its store. */
const KEY_PATIENCE_MS = 15_000;

/** The state directory a process works on, and its role. */
export interface StoreRole {
  /** This process's own. */
  readonly stateDir: string;
  /** The state directory of the miner it scores for; absent if this process is the miner. */
  readonly scoreFor?: string | undefined;
  /** Lets another process become the miner. */
  release(): void;
}

/**
 * Makes this process the miner of a state directory, before it opens anything there and until the role is released. If
 * there is already a miner and `shares` is set, this process scores for it.
 *
 * @param address address of its key, for processes that want to share
 * @throws QuarryError `STORE_LOCKED` when there is a miner and this process does not share
 * @throws QuarryError `FILE_UNREADABLE` when a file of the role is not a file
 * @throws QuarryError `CONFLICT` when too many processes already score for it
 */
export function takeRole(stateDir: string, shares: boolean, address: string): StoreRole {
  assertRegularFile(addressFileOf(stateDir));
  const lock = lockRole(stateDir, shares);
  // A user's own program may hold the store without the miner's role.
  if (lock !== undefined && !(shares && isLockedForWriting(storeDirOf(stateDir)))) {
    writeFileSync(addressFileOf(stateDir), address);
    return { stateDir, release: () => lock.release() };
  }
  lock?.release();
  return { stateDir: freeSlot(stateDir), scoreFor: stateDir, release: () => {} };
}

/** Whether an error means that another process took a shared directory first. */
export function isOvertaken(error: unknown, { stateDir }: StoreRole): boolean {
  return error instanceof QuarryError && error.code === 'STORE_LOCKED' && error.details['dir'] === storeDirOf(stateDir);
}

/** Adds a hint to the error of a state directory that is in use by another process. */
export function withSharingHint(error: unknown, role: StoreRole): unknown {
  return isOvertaken(error, role) ? inUse(role.stateDir, error as QuarryError) : error;
}

/**
 * Checks that the miner this process scores for uses the same key, since that miner earns the rewards.
 *
 * @param keysDir directory of the locks of keys in use
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
    // A miner that spends nothing, as with --dry-run, does not lock a key but records its address.
    if (minerAddress(scoreFor) === address) return;
    // If the miner has ended meanwhile, this process takes over.
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

/** Calls back once, when the miner of a state directory is gone. Returns a function that stops watching. */
export function whenGone(stateDir: string, onGone: () => void): () => void {
  const timer = setInterval(() => {
    try {
      if (isMinerThere(stateDir)) return;
    } catch {
      // Unable to check now, perhaps for lack of file descriptors: try again later.
      return;
    }
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function roleDirOf(stateDir: string): string {
  return join(stateDir, STATE_ENTRIES.role);
}

function addressFileOf(stateDir: string): string {
  return join(roleDirOf(stateDir), 'address');
}

/** Address of the process in the miner's role; `undefined` if the role is free or the address unknown. */
function minerAddress(stateDir: string): string | undefined {
  if (!isLockedForWriting(roleDirOf(stateDir))) return undefined;
  try {
    assertRegularFile(addressFileOf(stateDir));
    return readFileSync(addressFileOf(stateDir), 'utf8');
  } catch {
    return undefined;
  }
}

function isMinerThere(stateDir: string): boolean {
  return isLockedForWriting(roleDirOf(stateDir)) || isLockedForWriting(storeDirOf(stateDir));
}

/** Takes the miner's role; `undefined` if another process has it and this one can score for it. */
function lockRole(stateDir: string, shares: boolean): WriterLock | undefined {
  try {
    makeDirectory(roleDirOf(stateDir));
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
