import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { QuarryError, toQuarryError } from '../../errors/index.js';

/**
 * Creates a state directory, accessible only to its owner, if it is missing. Checks that it is writable before anything
 * is downloaded or scored.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it cannot be created or written, `DISK_FULL` when there is no space
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

/**
 * Replaces `mkdirSync(recursive)`, which loops forever on file systems like /proc that report ENOENT for a new
 * directory.
 */
function makeDirectory(dir: string): void {
  if (existsSync(dir)) return;
  if (!existsSync(dirname(dir))) makeDirectory(dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Created concurrently by another process.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
