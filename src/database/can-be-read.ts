import { closeSync, openSync, readSync } from 'node:fs';

const PIECE_BYTES = 256 * 1024;

/**
 * Whether a file can be read to its end; true if there is no file. Also brings it into the page cache for the next
 * reader.
 */
export function canBeRead(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    while (readSync(fd, piece, 0, piece.length, null) > 0);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}
