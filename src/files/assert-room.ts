import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toQuarryError } from '../errors/index.js';

/**
 * Checks that a directory can be written and has room for so many bytes, by writing them to a file and removing it. A
 * missing directory is made.
 *
 * @throws QuarryError `DISK_FULL` when there is less room
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written
 */
export async function assertRoom(dir: string, sizeBytes: number): Promise<void> {
  const probe = join(dir, 'room.probe');
  try {
    await mkdir(dir, { recursive: true });
    // Of a process that was killed here; whatever else has its name would be written through, or waited for.
    await rm(probe, { force: true });
    await writeFile(probe, new Uint8Array(sizeBytes), { flag: 'wx', flush: true });
  } catch (error) {
    throw toQuarryError(error, `writing to ${dir}`);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}
