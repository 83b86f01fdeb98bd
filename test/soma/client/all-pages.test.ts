import { expect, it } from 'vitest';
import { allPages } from '../../../src/soma/client/read/all-pages.js';

it('ends a list whose page names itself as the next one', async () => {
  const pages = allPages(async () => ({ items: [1], next: Uint8Array.of(7) }));
  const seen: number[] = [];
  await expect(
    (async () => {
      for await (const item of pages) seen.push(item);
    })(),
  ).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(seen).toEqual([1, 1]);
});
