import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Deletes the files of a cache directory whose names begin with 64 hex digits that are not among `identities`, and what
 * processes that are gone left half written (`….<pid>-<number>.partial`).
 */
export async function pruneCacheDirectory(dir: string, identities: readonly string[]): Promise<void> {
  const wanted = new Set(identities);
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const identity = /^[0-9a-f]{64}/.exec(name)?.[0];
    const writer = /\.(\d+)-\d+\.partial$/.exec(name)?.[1];
    const left = writer !== undefined && !isRunning(Number(writer));
    if (identity !== undefined && (left || !wanted.has(identity))) await rm(join(dir, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 asks without sending.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
