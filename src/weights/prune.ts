import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Deletes the files of a cache directory whose names begin with 64 hex digits that are not among `identities`. */
export async function pruneCacheDirectory(dir: string, identities: readonly string[]): Promise<void> {
  const wanted = new Set(identities);
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    const identity = /^[0-9a-f]{64}/.exec(name)?.[0];
    if (identity !== undefined && !wanted.has(identity)) await rm(join(dir, name), { force: true });
  }
}
