import { assertRegularFile } from '../files/regular-file.js';
import { type GrowingFile, PartialFile, type PartialFileOptions } from './partial-file.js';
import { StreamedFile } from './streamed-file.js';

/**
 * Opens a new or interrupted download, in the native core if it can decrypt, else in JavaScript.
 *
 * @throws QuarryError `KEY_INVALID` when the key is not 32 bytes long
 * @throws QuarryError `FILE_UNREADABLE` or `DISK_FULL` when the file cannot be written
 */
export async function openPartialFile(options: PartialFileOptions): Promise<GrowingFile> {
  const { path, decryptionKey } = options;
  assertRegularFile(path);
  const streamed = decryptionKey === undefined ? undefined : await StreamedFile.open({ ...options, decryptionKey });
  return streamed ?? PartialFile.open(options);
}
