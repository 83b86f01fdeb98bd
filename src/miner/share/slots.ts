import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLockedForWriting } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { STATE_ENTRIES, storeDirOf } from '../state/state-entries.js';

/** Maximum processes that score for one miner. */
const MAX_SLOTS = 32;

/** State directories of processes that score, or scored, for the miner in `stateDir`. */
export function slotsOf(stateDir: string): string[] {
  try {
    return readdirSync(join(stateDir, STATE_ENTRIES.shared))
      .filter((name) => /^\d+$/.test(name))
      .map((name) => join(stateDir, STATE_ENTRIES.shared, name));
  } catch (caught) {
    const error = toQuarryError(caught, `reading ${stateDir}`);
    if (error.code === 'FILE_NOT_FOUND') return [];
    throw error;
  }
}

/**
 * A state directory for one more process that scores for the miner in `stateDir`. Returns the first unused one, so that
 * a restarted process continues where it stopped.
 *
 * @throws QuarryError `CONFLICT` when all 32 are in use
 */
export function freeSlot(stateDir: string): string {
  for (let number = 1; number <= MAX_SLOTS; number++) {
    const slot = join(stateDir, STATE_ENTRIES.shared, String(number));
    if (!isLockedForWriting(storeDirOf(slot))) return slot;
  }
  throw new QuarryError('CONFLICT', `${MAX_SLOTS} processes already score for the miner of ${stateDir}`, {
    hint: 'a fleet (quarry scorer) has no such limit',
    retryable: false,
  });
}
