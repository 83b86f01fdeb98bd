import { rename } from 'node:fs/promises';

/**
 * Rotates files: `path` becomes `path.1`, `path.1` becomes `path.2`, and so on; the last of `keep` is deleted.
 *
 * @param keep number of old files kept, at least 1
 */
export async function rotateFiles(path: string, keep: number): Promise<void> {
  for (let n = keep - 1; n >= 0; n--) {
    try {
      await rename(n === 0 ? path : `${path}.${n}`, `${path}.${n + 1}`);
    } catch (error) {
      // Fewer files exist so far.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
