import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';

/** What is locked while a process spends the coins of a key on a chain. */
export function keyDirOf(keysDir: string, address: string, chainId: string): string {
  return join(keysDir, `${address}-${chainId.slice(0, 8)}`);
}

/**
 * Takes the right to spend a key's coins on one chain, against every other process of this machine that asks for it in
 * the same directory. Given back at the end of the process, however it ends.
 *
 * @param keysDir made when missing
 * @throws QuarryError `STORE_LOCKED` when another process has it: a coin that two programs name at once is locked until
 *   the epoch ends
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written
 */
export function lockKey(keysDir: string, address: string, chainId: string): WriterLock {
  const dir = keyDirOf(keysDir, address, chainId);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
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
