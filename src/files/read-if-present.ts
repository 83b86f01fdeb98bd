import { readFile } from 'node:fs/promises';
import { toQuarryError } from '../errors/index.js';
import { assertRegularFile } from './regular-file.js';

/**
 * Reads a file's text; `undefined` if there is no file.
 *
 * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file or cannot be read
 */
export async function readIfPresent(path: string): Promise<string | undefined> {
  assertRegularFile(path);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const failure = toQuarryError(error, `reading ${path}`);
    if (failure.code === 'FILE_NOT_FOUND') return undefined;
    throw failure;
  }
}
