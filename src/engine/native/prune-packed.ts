import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toQuarryError } from '../../errors/index.js';

/**
 * Removes packed weights and measured error bounds of all weights but these: they are as large as the weights, and those
 * that were replaced are never loaded again. Goes too: what a process that is gone left half written. A file that is
 * mapped somewhere stays readable there.
 *
 * @param dir a `cacheDir` of the native engine; one that does not exist is left alone
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

/** Windows keeps a file that a process has mapped; the next round removes it. */
function isMappedOnWindows(error: unknown): boolean {
  return process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes((error as { code: string }).code);
}

/** Whether it is the unfinished file of a process that is gone (`native/forward/weights_packer.cc` names them). */
function isLeftBehind(name: string): boolean {
  const writer = /\.(\d+)-\d+\.partial$/.exec(name)?.[1];
  if (writer === undefined) return false;
  try {
    // Signal 0 asks without sending.
    process.kill(Number(writer), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
