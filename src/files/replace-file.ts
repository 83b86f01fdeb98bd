import { constants } from 'node:fs';
import { open, realpath, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { toQuarryError } from '../errors/index.js';
import { makeDirectory } from './make-directory.js';
import { assertNoDevice } from './regular-file.js';

/** Which other users may use the file. */
export interface ReplaceFileOptions {
  /** Mode of the file, before the umask. Default 0600. */
  readonly mode?: number | undefined;
}

/**
 * Replaces a file atomically: after a crash it has either its old or its new contents. A FIFO in its place is replaced
 * without being opened, a device is not replaced. A missing directory is created with mode 0700.
 *
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written, or a device is there
 * @throws QuarryError `DISK_FULL` when there is no space
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600 }: ReplaceFileOptions = {},
): Promise<void> {
  try {
    makeDirectory(dirname(path), { mode: 0o700 });
    // Replace the target of a symbolic link, not the link.
    const target = await realpath(path).catch(() => path);
    assertNoDevice(target);
    const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${crypto.randomUUID()}.tmp`);
    try {
      const file = await open(temporary, 'wx', mode);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, target);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    await syncDirectory(dirname(target));
  } catch (error) {
    throw toQuarryError(error, `writing ${path}`);
  }
}

/** Makes a rename in `directory` durable, on systems where directories can be opened. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY).catch(() => undefined);
  try {
    await handle?.sync().catch(() => {});
  } finally {
    await handle?.close();
  }
}
