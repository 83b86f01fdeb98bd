import { assertRoom } from '../../files/assert-room.js';
import { sleep } from '../../net/index.js';

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
  for (let isWritable = false; !isWritable; ) {
    await sleep(PAUSE_MS, signal);
    isWritable = await assertRoom(dir, ROOM_BYTES).then(
      () => true,
      () => false,
    );
  }
}
