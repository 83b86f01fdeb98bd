import { join } from 'node:path';
import { lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';

/** Directory that a process locks while it spends a key's coins on a chain. */
export function keyDirOf(keysDir: string, address: string, chainId: string): string {
  return join(keysDir, `${address}-${chainId.slice(0, 8)}`);
}

/**
 * Locks a key's coins on one chain against all other processes on this machine that use the same `keysDir`. The lock
 * ends with the process, however that ends.
 *
 * @param keysDir created if missing
 * @throws QuarryError `STORE_LOCKED` when another process holds the lock: a coin used by two transactions at once is
 *   locked on chain until the epoch ends
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written
 */
export function lockKey(keysDir: string, address: string, chainId: string): WriterLock {
  const dir = keyDirOf(keysDir, address, chainId);
  try {
    makeDirectory(dir, { mode: 0o700 });
    return lockForWriting(dir);
  } catch (caught) {
    const error = toQuarryError(caught, `locking the key ${address}`);
    if (error.code !== 'STORE_LOCKED') throw error;
    const { pid } = error.details;
    const holder = typeof pid === 'string' ? `process ${pid}` : 'another process';
    throw new QuarryError('STORE_LOCKED', `${holder} already spends the coins of ${address}`, {
      hint: 'stop it, score for it in its state directory (--share-store), or use separate keys (quarry wallet new): coins used by two programs at once are locked until the epoch ends',
      details: { address, pid },
      cause: error,
      retryable: false,
    });
  }
}
