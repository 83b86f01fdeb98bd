import { expect, it } from 'vitest';
import { spawnDevnet } from '../../../src/devnet/soma/spawn.js';

it('a devnet that is interrupted before it serves is interrupted, not broken', async () => {
  const stop = new AbortController();
  const starting = spawnDevnet({}, { signal: stop.signal });
  stop.abort('SIGINT');
  await expect(starting).rejects.toMatchObject({ code: 'ABORTED' });
});
