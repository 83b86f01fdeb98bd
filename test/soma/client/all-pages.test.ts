import { expect, it } from 'vitest';
import { allPages, type Page } from '../../../src/soma/client/read/all-pages.js';

/** What a list brings before it ends, and how. */
async function read(page: (n: number) => Page<number>): Promise<{ items: number; pages: number; error: unknown }> {
  let [items, pages] = [0, 0];
  try {
    for await (const _ of allPages(async () => page(pages++))) items++;
  } catch (error) {
    return { items, pages, error };
  }
  return { items, pages, error: undefined };
}

const unending = expect.objectContaining({ code: 'PROTOCOL', message: expect.stringContaining('is endless') });

it('ends a list whose page names itself as the next one', async () => {
  expect(await read(() => ({ items: [1], next: Uint8Array.of(7) }))).toEqual({ items: 2, pages: 2, error: unending });
});

it('ends a list whose pages name each other in a circle', async () => {
  const { error, pages } = await read((n) => ({ items: [n], next: Uint8Array.of(n % 5) }));
  expect([error, pages]).toEqual([unending, 6]);
});

it('ends a list of empty pages, each with a new token', async () => {
  const { error, pages } = await read((n) => ({ items: [], next: Uint8Array.of(n >> 8, n & 255) }));
  expect(error).toEqual(unending);
  expect(pages).toBeLessThan(20);
});

it('ends an endless list', async () => {
  const next = (n: number) => Uint8Array.of(n >> 16, (n >> 8) & 255, n & 255);
  const { error, pages } = await read((n) => ({ items: [n], next: next(n) }));
  expect(error).toEqual(unending);
  expect(pages).toBeLessThanOrEqual(100_002);
});

it('cuts a list where it becomes implausible, and returns what came before', async () => {
  const told: unknown[] = [];
  const items: number[] = [];
  const fetched = async ({ pageToken }: { readonly pageToken?: Uint8Array | undefined }): Promise<Page<number>> => {
    const n = pageToken?.[0] ?? 0;
    return { items: [2 * n, 2 * n + 1], next: Uint8Array.of(n + 1) };
  };
  const limits = { maxItems: 5, onEndless: (error: unknown) => void told.push(error) };
  for await (const item of allPages(fetched, limits)) items.push(item);
  expect(items).toEqual([0, 1, 2, 3, 4, 5]);
  expect(told).toEqual([unending]);
});

it('reads a list with some empty pages to its end', async () => {
  const page = (n: number) => ({ items: n % 3 === 0 ? [n] : [], next: n < 30 ? Uint8Array.of(n) : undefined });
  expect(await read(page)).toEqual({ items: 11, pages: 31, error: undefined });
});
