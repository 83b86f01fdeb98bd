import { accessSync, constants } from 'node:fs';
import { toQuarryError } from '../errors/index.js';
import { type MakeDirectoryOptions, makeDirectory } from './make-directory.js';

/**
 * Creates a directory if it is missing, and checks that files can be written there: before the work whose results it is to
 * hold.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it cannot be created or written, `DISK_FULL` when there is no space
 */
export function ensureWritableDirectory(dir: string, options: MakeDirectoryOptions = {}): void {
  makeDirectory(dir, options);
  try {
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw toQuarryError(error, `writing to ${dir}`);
  }
}
