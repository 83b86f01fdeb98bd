import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { exposedTo } from '../../files/exposed-file.js';

/** Maximum size of a wallet or key file; 100,000 keys take 5 MB. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/**
 * Reads a text file without secrets.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when it does not exist
 * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file, too large or not UTF-8
 */
export function readTextFile(path: string): Promise<string> {
  return readRegularFile(path, false);
}

/**
 * Reads a text file with secrets.
 *
 * @throws QuarryError `KEY_FILE_UNSAFE` when its group or others may read or change it
 * @throws QuarryError `FILE_NOT_FOUND` when it does not exist
 * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file, too large or not UTF-8
 */
export function readSecretFile(path: string): Promise<string> {
  return readRegularFile(path, true);
}

async function readRegularFile(path: string, isSecret: boolean): Promise<string> {
  let file: FileHandle | undefined;
  try {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    // Check the open file, not the path, which could be replaced in between.
    const stats = await file.stat();
    if (!stats.isFile())
      throw new QuarryError('FILE_UNREADABLE', `${path} is not a regular file`, { details: { path } });
    if (isSecret && exposedTo(stats) !== undefined) {
      throw new QuarryError('KEY_FILE_UNSAFE', `${path} holds secret keys but is readable or writable by others`, {
        hint: `make it private: chmod 600 ${path}`,
        details: { path, mode: (stats.mode & 0o777).toString(8).padStart(4, '0') },
      });
    }
    if (stats.size > MAX_FILE_BYTES) {
      throw new QuarryError('FILE_UNREADABLE', `${path} is too large`, { details: { path, sizeBytes: stats.size } });
    }
    const bytes = await file.readFile();
    return decodeUtf8(bytes, path);
  } catch (error) {
    throw toQuarryError(error, `reading ${path}`);
  } finally {
    await file?.close();
  }
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Without the decoder's error: some runtimes quote the input in it.
    throw new QuarryError('FILE_UNREADABLE', `${path} is not UTF-8 text`, { details: { path } });
  }
}
