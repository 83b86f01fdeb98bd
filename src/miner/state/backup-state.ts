import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { snapshotDatabase } from '../../database/snapshot.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { assertRegularFile } from '../../files/regular-file.js';
import { INDEX_FILE } from '../../store/index-database.js';
import { type BackupFile, type BackupManifest, writeBackupManifest } from './backup-manifest.js';
import { copyFileHashed } from './copy-file.js';
import { STATE_ENTRIES } from './state-entries.js';

/**
 * Databases, copied as snapshots. The journal comes first, so that the later copy of the store has what it refers to.
 */
const DATABASES = [STATE_ENTRIES.journal, `${STATE_ENTRIES.store}/${INDEX_FILE}`, STATE_ENTRIES.vitals];
/**
 * Directories of append-only files. A copy that ends within a record is repaired on open. Scores come before samples,
 * so that no score refers to a sample that the copy lacks.
 */
const TREES = [`${STATE_ENTRIES.store}/scores`, `${STATE_ENTRIES.store}/samples`, STATE_ENTRIES.hosted];
/** Temporary and damaged files, which are not backed up. */
const LEFT_OUT = /\.(new|partial|damaged)$/;

/**
 * Copies a miner's journal, store and hosted data, also while the miner runs. Weights are not copied: they are
 * downloaded again. The backup is atomic: `into` appears complete or not at all.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when `stateDir` has no journal, `ALREADY_EXISTS` when `into` exists,
 *   `DISK_FULL`, `ABORTED`
 */
export async function backupState(
  stateDir: string,
  into: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<BackupManifest> {
  if (existsSync(into)) {
    throw new QuarryError('ALREADY_EXISTS', `${into} already exists`, { hint: 'name a new directory' });
  }
  const partial = await emptyBeside(into);
  try {
    const files: BackupFile[] = [];
    for (const path of DATABASES) {
      const file = await snapshot(stateDir, partial, path);
      if (file !== undefined) files.push(file);
    }
    for (const tree of TREES) {
      for await (const path of filesUnder(stateDir, tree)) {
        const file = await copyGrowing(stateDir, partial, path, options.signal);
        if (file !== undefined) files.push(file);
      }
    }
    const manifest = await writeBackupManifest(partial, files);
    await rename(partial, into);
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw toQuarryError(error, `copying ${stateDir} to ${into}`);
  }
}

/** Creates a temporary directory next to `into`, readable only by its owner. */
async function emptyBeside(into: string): Promise<string> {
  try {
    makeDirectory(dirname(into));
    return await mkdtemp(`${into}.partial-`);
  } catch (error) {
    throw toQuarryError(error, `making room for ${into}`);
  }
}

async function snapshot(stateDir: string, partial: string, path: string): Promise<BackupFile | undefined> {
  const from = join(stateDir, path);
  // Only the journal is required: a store's index can be rebuilt from its files.
  if (path !== STATE_ENTRIES.journal && !existsSync(from)) return undefined;
  const whole = join(partial, `${path.replace('/', '-')}.snapshot`);
  snapshotDatabase(from, whole);
  const copied = await copyFileHashed(whole, join(partial, path), { bytes: (await stat(whole)).size });
  await rm(whole);
  return { path, ...copied };
}

/** Returns undefined if the file was deleted in the meantime, like scores of replaced weights. */
async function copyGrowing(
  stateDir: string,
  partial: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<BackupFile | undefined> {
  try {
    const { size } = await stat(join(stateDir, path));
    return { path, ...(await copyFileHashed(join(stateDir, path), join(partial, path), { bytes: size, signal })) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await rm(join(partial, path), { force: true });
    return undefined;
  }
}

async function* filesUnder(stateDir: string, folder: string): AsyncGenerator<string> {
  const entries = await readdir(join(stateDir, folder), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    const path = `${folder}/${entry.name}`;
    if (LEFT_OUT.test(path)) continue;
    if (entry.isDirectory()) yield* filesUnder(stateDir, path);
    else if (entry.isFile()) yield path;
    else assertRegularFile(join(stateDir, path));
  }
}
