import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import { assertRegularFile } from '../../files/regular-file.js';

/** One file of a backup. */
export interface BackupFile {
  /** Path relative to the backup, with `/` as separator. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
}

/** Contents of a backup. Written last: a directory without it is an unfinished backup. */
export interface BackupManifest {
  readonly format: 1;
  readonly createdAt: string;
  readonly files: readonly BackupFile[];
}

const NAME = 'backup.json';

/** Writes the manifest of the backup in `dir`. */
export async function writeBackupManifest(dir: string, files: readonly BackupFile[]): Promise<BackupManifest> {
  const manifest: BackupManifest = { format: 1, createdAt: new Date().toISOString(), files };
  await writeFile(join(dir, NAME), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  return manifest;
}

/**
 * Reads the manifest of the backup in `dir`. Treated as untrusted: refuses paths that lead out of the backup.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when there is none, `DATA_INVALID` when it is malformed
 */
export async function readBackupManifest(dir: string): Promise<BackupManifest> {
  assertRegularFile(join(dir, NAME));
  const text = await readFile(join(dir, NAME), 'utf8').catch((cause: unknown) => {
    throw new QuarryError('FILE_NOT_FOUND', `${dir} does not contain a complete backup`, {
      cause,
      hint: 'name a directory made by quarry backup; an interrupted backup must be made again',
    });
  });
  const manifest = parsed(text);
  if (manifest?.format !== 1 || !Array.isArray(manifest.files) || !manifest.files.every(isBackupFile)) {
    throw new QuarryError('DATA_INVALID', `${join(dir, NAME)} does not describe a backup`, {
      hint: 'it is damaged or from a newer version',
    });
  }
  return manifest as BackupManifest;
}

function parsed(text: string): Partial<BackupManifest> | undefined {
  try {
    return JSON.parse(text) as Partial<BackupManifest>;
  } catch {
    return undefined;
  }
}

function isBackupFile(value: unknown): value is BackupFile {
  const file = value as Partial<BackupFile> | null;
  return (
    typeof file?.path === 'string' &&
    /^[\w.-]+(\/[\w.-]+)*$/.test(file.path) &&
    !file.path.split('/').some((part) => part === '..' || part === '.') &&
    Number.isSafeInteger(file.bytes) &&
    /^[0-9a-f]{64}$/.test(file.sha256 ?? '')
  );
}
