import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../http/index.js';

/** Interval between attempts to write. */
const PAUSE_MS = 5_000;
/** Free space required to continue mining. */
const ROOM_BYTES = 8 * 2 ** 20;

/**
 * Waits until a directory is writable again and has some free space.
 *
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function untilWritable(dir: string, signal: AbortSignal): Promise<void> {
  const probe = join(dir, 'room.probe');
  for (let isWritable = false; !isWritable; ) {
    await sleep(PAUSE_MS, signal);
    // Of a process that was killed here; whatever else has its name would be written through, or waited for.
    await rm(probe, { force: true }).catch(() => {});
    isWritable = await writeFile(probe, new Uint8Array(ROOM_BYTES), { flag: 'wx', flush: true }).then(
      () => true,
      () => false,
    );
    await rm(probe, { force: true }).catch(() => {});
  }
}
