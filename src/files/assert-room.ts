import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toQuarryError } from '../errors/index.js';
import { makeDirectory } from './make-directory.js';

/**
 * Checks that a directory is writable and has room for `sizeBytes`, by writing a file of that size and removing it. A
 * missing directory is created.
 *
 * @throws QuarryError `DISK_FULL` when there is less room
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written
 */
export async function assertRoom(dir: string, sizeBytes: number): Promise<void> {
  const probe = join(dir, 'room.probe');
  try {
    makeDirectory(dir);
    // Left by a process that was killed here. Opening anything else of that name would write through a link or block.
    await rm(probe, { force: true });
    await writeFile(probe, new Uint8Array(sizeBytes), { flag: 'wx', flush: true });
  } catch (error) {
    throw toQuarryError(error, `writing to ${dir}`);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
