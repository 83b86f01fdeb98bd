import { expect, it } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { WriteQueue } from '../../src/store/write-queue.js';

it('refuses writes after one that failed midway, as a full disk where that was the cause', async () => {
  for (const [code, refused] of [
    ['DISK_FULL', 'DISK_FULL'],
    ['INTERNAL', 'FAILED_PRECONDITION'],
  ] as const) {
    const queue = new WriteQueue(false);
    const failure =
      code === 'DISK_FULL' ? Object.assign(new Error('no space'), { code: 'ENOSPC' }) : new QuarryError(code, 'failed');
    await expect(queue.run(() => Promise.reject(failure))).rejects.toBe(failure);
    queue.fail(failure);
    await expect(queue.run(async () => 1)).rejects.toMatchObject({ code: refused });
  }
});
