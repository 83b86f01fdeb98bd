import { type ErrorCode, QuarryError } from '../../errors/index.js';

/** Codes of a full or failing disk; locks may linger for a moment after a failure. */
const OF_DISKS: ReadonlySet<ErrorCode> = new Set(['DISK_FULL', 'FILE_UNREADABLE', 'STORE_LOCKED']);

/** Whether an error comes from a disk that is full or fails: mining can go on once it can be written again. */
export function isDiskFailure(error: unknown): error is QuarryError {
  return error instanceof QuarryError && OF_DISKS.has(error.code);
}

/** Whether trying again is pointless until somebody makes room or mends the disk. */
export function isLastingDiskFailure(error: QuarryError): boolean {
  return isDiskFailure(error) && (error.code === 'DISK_FULL' || !error.retryable);
}
