import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { QuarryError, toQuarryError } from '../errors/index.js';

/** Access of the directories created. */
export interface MakeDirectoryOptions {
  /** Mode, before the umask. Default 0777. */
  readonly mode?: number | undefined;
}

/**
 * Creates a directory, and those above it, if it is missing. Replaces Node's `mkdir` with `recursive`, which loops forever
 * where a file system reports ENOENT for a new directory, as /proc does: no signal ends the thread that loops.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it cannot be created, or a file has its name
 * @throws QuarryError `DISK_FULL` when there is no space
 */
export function makeDirectory(dir: string, options: MakeDirectoryOptions = {}): void {
  try {
    create(dir, options.mode ?? 0o777);
  } catch (error) {
    throw toQuarryError(error, `creating the folder ${dir}`);
  }
}

function create(dir: string, mode: number): void {
  if (isDirectory(dir)) return;
  const parent = dirname(dir);
  if (parent !== dir) create(parent, mode);
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    // Created meanwhile by another process.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isDirectory(dir)) throw error;
  }
}

/**
 * Whether the directory exists.
 *
 * @throws QuarryError `FILE_UNREADABLE` when a file has its name
 */
export function isDirectory(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return stats !== undefined;
  throw new QuarryError('FILE_UNREADABLE', `${path} is not a folder`, {
    hint: 'name a folder, or a place where one can be created',
    details: { path },
  });
}
