import { expect, it } from 'vitest';
import { breathe } from '../../bench/breathe.js';

it('lets a signal arrive that is sent while the main thread works', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort('SIGINT'), 1);
  const work = async (): Promise<never> => {
    for (;;) await breathe(stop.signal);
  };
  await expect(work()).rejects.toMatchObject({ code: 'ABORTED' });
});
