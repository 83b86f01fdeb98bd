import { expect, it } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { WriteQueue } from '../../src/store/write-queue.js';

it('reports a write that failed midway at every later write, as what it was', async () => {
  const failures = [
    [Object.assign(new Error('no space'), { code: 'ENOSPC' }), 'DISK_FULL'],
    [Object.assign(new Error('input/output'), { code: 'EIO', syscall: 'write' }), 'FILE_UNREADABLE'],
    [new QuarryError('STORE_LOCKED', 'busy', { retryable: true }), 'STORE_LOCKED'],
  ] as const;
  for (const [failure, code] of failures) {
    const queue = new WriteQueue(false);
    await expect(queue.run(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(await queue.run(async () => 'goes on after a failure that left nothing behind')).toContain('goes on');
    queue.fail(failure);
    await expect(queue.run(async () => {})).rejects.toMatchObject({ code, retryable: false });
  }
});
