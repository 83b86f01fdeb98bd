import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, QuarryError } from '../../errors/index.js';
import { sleep } from '../../http/index.js';

/** How often a disk is tried. */
const PAUSE_MS = 5_000;
/** Room that mining goes on with. */
const ROOM_BYTES = 8 * 2 ** 20;
/** What a disk brings about that is full, or fails for a while; what was locked before it failed may be so for a moment. */
const OF_DISKS: ReadonlySet<ErrorCode> = new Set(['DISK_FULL', 'FILE_UNREADABLE', 'STORE_LOCKED']);

/** Whether the disk ended a run that was under way: what cannot be written down is not promised. */
export function isOfDisk(error: unknown): error is QuarryError {
  return error instanceof QuarryError && OF_DISKS.has(error.code);
}

/** Waits until a directory can be written again, with some room. @throws QuarryError `ABORTED` when the signal fires */
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
