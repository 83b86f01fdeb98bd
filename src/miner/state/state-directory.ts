import { QuarryError, toQuarryError } from '../../errors/index.js';
import { ensureWritableDirectory } from '../../files/writable-directory.js';

/**
 * Creates a state directory, accessible only to its owner, if it is missing. Checks that it is writable before anything
 * is downloaded or scored.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it cannot be created or written, `DISK_FULL` when there is no space
 */
export function ensureStateDirectory(dir: string): void {
  try {
    ensureWritableDirectory(dir, { mode: 0o700 });
  } catch (error) {
    const { code, message, details } = toQuarryError(error, `writing to the state directory ${dir}`);
    throw new QuarryError(code === 'DISK_FULL' ? code : 'FILE_UNREADABLE', message, {
      hint: 'name a directory this user can write with --state-dir or QUARRY_STATE_DIR',
      details: { ...details, stateDir: dir },
      cause: error,
    });
  }
}
