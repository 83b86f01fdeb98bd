import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toQuarryError } from '../../errors/index.js';

/**
 * Removes packed weights and error bounds of all weights except `keep`: they are as large as the weights, and replaced
 * weights are never loaded again. Also removes partial files of dead processes. Processes that have a file mapped can
 * still read it.
 *
 * @param dir a `cacheDir` of the native engine; may not exist
 * @param keep checksums of weights, 64 hex digits
 * @returns the names of the files removed
 * @throws QuarryError `FILE_UNREADABLE` when a file cannot be removed
 */
export async function prunePacked(dir: string, keep: ReadonlySet<string>): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(dir).catch((): string[] => [])) {
    const checksum = /^([0-9a-f]{64})-/.exec(name)?.[1];
    if (checksum === undefined || (keep.has(checksum) && !isLeftBehind(name))) continue;
    try {
      await rm(join(dir, name), { force: true });
    } catch (error) {
      if (isMappedOnWindows(error)) continue;
      throw toQuarryError(error, 'removing packed weights');
    }
    removed.push(name);
  }
  return removed;
}

/** Windows refuses to delete mapped files; a later call removes them. */
function isMappedOnWindows(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes((error as { code: string }).code);
}

/** Whether a file is the partial file of a dead process (named by `native/forward/weights_packer.cc`). */
function isLeftBehind(name: string): boolean {
  const writer = /\.(\d+)-\d+\.partial$/.exec(name)?.[1];
  if (writer === undefined) return false;
  try {
    // Signal 0 only checks whether the process exists.
    process.kill(Number(writer), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
