import { dirname } from 'node:path';
import { isDirectory } from './make-directory.js';

/**
 * The directory, or the one above it that exists: where it would be created.
 *
 * @throws QuarryError `FILE_UNREADABLE` when a file has the name of one of them
 */
export function nearestDirectory(dir: string): string {
  return isDirectory(dir) || dirname(dir) === dir ? dir : nearestDirectory(dirname(dir));
}
