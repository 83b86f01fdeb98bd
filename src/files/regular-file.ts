import { type Stats, statSync } from 'node:fs';
import { QuarryError } from '../errors/index.js';

type Kind = 'FIFO' | 'socket' | 'device';

/**
 * Refuses a FIFO, socket or device in place of a file before it is opened. Opening a FIFO blocks until its other end is
 * opened, possibly forever, and occupies the main thread or one of the few of Node's pool. A missing file passes, and so
 * does a directory, which blocks nothing.
 *
 * @throws QuarryError `FILE_UNREADABLE`
 */
export function assertRegularFile(path: string): void {
  refuse(path, kindAt(path));
}

/**
 * Refuses a device where a file would be put in its place: root could, and `/dev/null` would be a file from then on.
 *
 * @throws QuarryError `FILE_UNREADABLE`
 */
export function assertNoDevice(path: string): void {
  const kind = kindAt(path);
  if (kind === 'device') refuse(path, kind);
}

function refuse(path: string, kind: Kind | undefined): void {
  if (kind === undefined) return;
  throw new QuarryError('FILE_UNREADABLE', `${path} is a ${kind}, and a file is expected there`, {
    hint: kind === 'device' ? 'name a file' : 'move it away, and run the command again',
    details: { path, kind },
  });
}

function kindAt(path: string): Kind | undefined {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    // Opening it fails as well, with a better error.
    return undefined;
  }
  if (stats.isFile() || stats.isDirectory()) return undefined;
  if (stats.isFIFO()) return 'FIFO';
  return stats.isSocket() ? 'socket' : 'device';
}
