import { readSync } from 'node:fs';

/** Node refuses reads of 2 GiB and more. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * Fills `out` from a file, in as many reads as that takes.
 *
 * @param position of the first byte in the file
 * @returns the number of bytes read: less than asked for only at the end of the file
 * @throws the error of the file system
 */
export function readFully(fd: number, out: Uint8Array, position: number): number {
  let done = 0;
  while (done < out.byteLength) {
    const count = readSync(fd, out, done, Math.min(out.byteLength - done, MOST_AT_ONCE), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
