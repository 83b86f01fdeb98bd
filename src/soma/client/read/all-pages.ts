import { QuarryError } from '../../../errors/index.js';

/** A page of items and the token of the next one. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Absent at the end. */
  readonly next: Uint8Array | undefined;
}

/** Maximum pages of a list; at the smallest page size of nodes, still more items than any real list has. */
const MAX_PAGES = 100_000;
/** Maximum consecutive pages without an item. */
const MAX_EMPTY_PAGES = 16;

export interface AllPagesOptions {
  /** Maximum items of a real list. Default: no limit. */
  readonly maxItems?: number | undefined;
  /** Called if the list does not end, which then cuts it off. If absent, that is an error. */
  readonly onEndless?: ((error: QuarryError) => void) | undefined;
}

/**
 * Yields the items of all pages. The next page is prefetched while the current one is consumed.
 *
 * @throws QuarryError `PROTOCOL` when the list does not end: a page token repeats, or pages are empty again and again
 */
export async function* allPages<T>(
  fetchPage: (token: { readonly pageToken?: Uint8Array | undefined }) => Promise<Page<T>>,
  { maxItems = Number.POSITIVE_INFINITY, onEndless }: AllPagesOptions = {},
): AsyncGenerator<T, void, void> {
  let pending: Promise<Page<T>> | undefined = fetchPage({});
  const known = new Set<string>();
  let [items, empty] = [0, 0];
  while (pending !== undefined) {
    const page: Page<T> = await pending;
    items += page.items.length;
    empty = page.items.length === 0 ? empty + 1 : 0;
    const token = page.next === undefined ? undefined : Buffer.from(page.next).toString('base64');
    const how = token === undefined ? undefined : unending(known, token, { items, maxItems, empty });
    if (how !== undefined) {
      yield* page.items;
      const error = new QuarryError('PROTOCOL', `the node's list is endless: it ${how}`);
      if (onEndless === undefined) throw error;
      onEndless(error);
      return;
    }
    if (token !== undefined) known.add(token);
    pending = page.next === undefined ? undefined : fetchPage({ pageToken: page.next });
    // If the consumer stops early, the prefetched page's failure does not matter.
    pending?.catch(() => {});
    yield* page.items;
  }
}

/** Returns why a list seems not to end. */
function unending(
  known: ReadonlySet<string>,
  token: string,
  read: { readonly items: number; readonly maxItems: number; readonly empty: number },
): string | undefined {
  if (known.has(token)) return 'repeats a page';
  if (read.items > read.maxItems) return `has more than ${read.maxItems} items`;
  if (known.size >= MAX_PAGES || read.empty >= MAX_EMPTY_PAGES) return `has too many pages, ${known.size} so far`;
  return undefined;
}
