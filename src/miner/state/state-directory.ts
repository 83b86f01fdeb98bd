import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { QuarryError, toQuarryError } from '../../errors/index.js';

/**
 * Makes a state directory, for its owner only, where there is none, and checks that it can be written before anything
 * is fetched or scored for it.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it cannot be made or written, `DISK_FULL` when there is no room
 */
export function ensureStateDirectory(dir: string): void {
  try {
    makeDirectory(dir);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message, details } = toQuarryError(error, `writing to the state directory ${dir}`);
    throw new QuarryError(code === 'DISK_FULL' ? code : 'FILE_UNREADABLE', message, {
      hint: 'name a directory this user can write with --state-dir or QUARRY_STATE_DIR',
      details: { ...details, stateDir: dir },
      cause: error,
    });
  }
}

/** Node's own `recursive` never ends where the file system says of a new directory that it is missing, as /proc does. */
function makeDirectory(dir: string): void {
  if (existsSync(dir)) return;
  if (!existsSync(dirname(dir))) makeDirectory(dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
