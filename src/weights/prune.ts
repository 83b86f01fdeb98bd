import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Deletes files in a cache directory whose names start with 64 hex digits that are not in `identities`. */
export async function pruneCacheDirectory(dir: string, identities: readonly string[]): Promise<void> {
  const wanted = new Set(identities);
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const identity = /^[0-9a-f]{64}/.exec(name)?.[0];
    if (identity !== undefined && !wanted.has(identity)) await rm(join(dir, name), { force: true });
  }
}
