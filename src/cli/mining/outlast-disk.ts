import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, QuarryError } from '../../errors/index.js';
import { sleep } from '../../http/index.js';

/** Interval between attempts to write. */
const PAUSE_MS = 5_000;
/** Free space required to continue mining. */
const ROOM_BYTES = 8 * 2 ** 20;
/** Errors caused by a full or temporarily failing disk; locks may linger for a moment after a failure. */
const OF_DISKS: ReadonlySet<ErrorCode> = new Set(['DISK_FULL', 'FILE_UNREADABLE', 'STORE_LOCKED']);

/** Whether a disk error ended a run: a miner does not continue if it cannot record what it does. */
export function isOfDisk(error: unknown): error is QuarryError {
  return error instanceof QuarryError && OF_DISKS.has(error.code);
}

/**
 * Waits until a directory is writable again and has some free space.
 *
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function untilWritable(dir: string, signal: AbortSignal): Promise<void> {
  const probe = join(dir, 'room.probe');
  for (let isWritable = false; !isWritable; ) {
    await sleep(PAUSE_MS, signal);
    isWritable = await writeFile(probe, new Uint8Array(ROOM_BYTES), { flush: true }).then(
      () => true,
      () => false,
    );
    await rm(probe, { force: true }).catch(() => {});
  }
}
