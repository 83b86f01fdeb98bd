import { existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { type BackupFile, type BackupManifest, readBackupManifest } from './backup-manifest.js';
import { copyFileHashed } from './copy-file.js';
import { STATE_ENTRIES, storeDirOf } from './state-entries.js';

/**
 * Restores a backup made by {@link backupState}. Verifies every file against the manifest before moving anything into
 * place, so that a damaged backup leaves nothing behind.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when `from` is not a complete backup, `ALREADY_EXISTS` when `stateDir` has a
 *   journal, `STORE_CORRUPT` when a file does not match the manifest, `DISK_FULL`, `ABORTED`
 */
export async function restoreState(
  from: string,
  stateDir: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<BackupManifest> {
  const manifest = await readBackupManifest(from);
  if (existsSync(join(stateDir, STATE_ENTRIES.journal)) || existsSync(storeDirOf(stateDir))) {
    throw new QuarryError('ALREADY_EXISTS', `${stateDir} already holds a miner's state`, {
      hint: 'move it away, or name another directory with --state-dir',
    });
  }
  const partial = join(stateDir, 'restoring');
  try {
    await rm(partial, { recursive: true, force: true });
    makeDirectory(partial, { mode: 0o700 });
    for (const file of manifest.files) await restoreFile(from, partial, file, options.signal);
    const roots = new Set(manifest.files.map(({ path }) => path.split('/')[0]!));
    // Move the journal last: its presence marks the restored state as complete.
    for (const root of [...roots].sort(
      (a, b) => Number(a === STATE_ENTRIES.journal) - Number(b === STATE_ENTRIES.journal),
    )) {
      makeDirectory(dirname(join(stateDir, root)));
      await rename(join(partial, root), join(stateDir, root));
    }
    await rm(partial, { recursive: true });
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw toQuarryError(error, `restoring ${from}`);
  }
}

async function restoreFile(
  from: string,
  partial: string,
  file: BackupFile,
  signal: AbortSignal | undefined,
): Promise<void> {
  const source = join(from, file.path);
  const size = (await stat(source).catch(() => undefined))?.size;
  const copied =
    size === file.bytes ? await copyFileHashed(source, join(partial, file.path), { bytes: size, signal }) : undefined;
  if (copied?.sha256 !== file.sha256) {
    throw new QuarryError('STORE_CORRUPT', `${source} has changed since the backup was made`, {
      hint: 'restore another backup',
      details: { path: file.path, bytes: file.bytes, found: size },
    });
  }
}
