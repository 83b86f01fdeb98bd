import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLockedForWriting } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';

/** Processes that score for one miner. */
const MAX_SLOTS = 32;

/** Where the store of a state directory lies. */
export function storeDirOf(stateDir: string): string {
  return join(stateDir, 'store');
}

/** State directories of those that score for the miner of a state directory, or did. */
export function slotsOf(stateDir: string): string[] {
  try {
    return readdirSync(join(stateDir, 'shared'))
      .filter((name) => /^\d+$/.test(name))
      .map((name) => join(stateDir, 'shared', name));
  } catch (caught) {
    const error = toQuarryError(caught, `reading ${stateDir}`);
    if (error.code === 'FILE_NOT_FOUND') return [];
    throw error;
  }
}

/**
 * A state directory for one more process that scores for the miner of `stateDir`: the first that none uses now, so that
 * one that is started again goes on where it stopped.
 *
 * @throws QuarryError `CONFLICT` when too many do already
 */
export function freeSlot(stateDir: string): string {
  for (let number = 1; number <= MAX_SLOTS; number++) {
    const slot = join(stateDir, 'shared', String(number));
    if (!isLockedForWriting(storeDirOf(slot))) return slot;
  }
  throw new QuarryError('CONFLICT', `${MAX_SLOTS} processes already score for the miner of ${stateDir}`, {
    hint: 'a fleet (quarry scorer) has no such limit',
    retryable: false,
  });
}
