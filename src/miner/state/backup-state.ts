import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { snapshotDatabase } from '../../database/snapshot.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { type BackupFile, type BackupManifest, writeBackupManifest } from './backup-manifest.js';
import { copyFileHashed } from './copy-file.js';

/** Databases, copied as snapshots. The journal goes first: what it names is then in the store, which is copied later. */
const DATABASES = ['journal.db', 'store/index.db', 'vitals.db'];
/**
 * Directories of files that only grow: a copy that ends in the middle of a record is repaired when it is opened. Scores
 * go before the samples they belong to, so that none names a sample the copy lacks.
 */
const TREES = ['store/scores', 'store/samples', 'hosted'];
/** Files that are being written, and what was set aside. */
const LEFT_OUT = /\.(new|partial|damaged)$/;

/**
 * Copies a miner's state — journal, store, hosted data — while the miner runs or not. Weights stay out: they are
 * downloaded again. The backup appears whole, with its manifest, or not at all.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when nothing was mined in `stateDir`, `ALREADY_EXISTS` when `into` exists,
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

/** A directory of its own for what is not whole yet, only its owner's to read. */
async function emptyBeside(into: string): Promise<string> {
  try {
    await mkdir(dirname(into), { recursive: true });
    return await mkdtemp(`${into}.partial-`);
  } catch (error) {
    throw toQuarryError(error, `making room for ${into}`);
  }
}

async function snapshot(stateDir: string, partial: string, path: string): Promise<BackupFile | undefined> {
  const from = join(stateDir, path);
  // A store's index can be rebuilt from its files; the journal is what a backup is for.
  if (path !== 'journal.db' && !existsSync(from)) return undefined;
  const whole = join(partial, `${path.replace('/', '-')}.snapshot`);
  snapshotDatabase(from, whole);
  const copied = await copyFileHashed(whole, join(partial, path), { bytes: (await stat(whole)).size });
  await rm(whole);
  return { path, ...copied };
}

/** Undefined when the file went away meanwhile, as scores of weights do that were replaced. */
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
  }
}
