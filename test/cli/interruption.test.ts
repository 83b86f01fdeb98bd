import { expect, it } from 'vitest';
import { Interruption } from '../../src/cli/interruption.js';
import { toQuarryError } from '../../src/errors/index.js';

it('the reason of a signal counts as an interruption where it is thrown as it is', async () => {
  const signal = AbortSignal.abort(new Interruption('SIGINT'));
  const thrown = await fetch('http://127.0.0.1:1', { signal }).catch((error: unknown) => error);
  expect(toQuarryError(thrown, 'fetching').code).toBe('ABORTED');
  expect(() => signal.throwIfAborted()).toThrow(expect.objectContaining({ name: 'AbortError', by: 'SIGINT' }));
});
