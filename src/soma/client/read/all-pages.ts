import { QuarryError } from '../../../errors/index.js';

/** A page of items and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Absent at the end. */
  readonly next: Uint8Array | undefined;
}

/** Pages of one list; at the smallest page that nodes send, more items than any list has. */
const MAX_PAGES = 100_000;
/** Pages in a row without an item. */
const MAX_EMPTY_PAGES = 16;

export interface AllPagesOptions {
  /** More items than any true list has. Default: no limit of its own. */
  readonly maxItems?: number | undefined;
  /** Called when the list does not end, which is cut there then. Without it, that is an error. */
  readonly onEndless?: ((error: QuarryError) => void) | undefined;
}

/**
 * All items of all pages. The next page is asked for while the items of this one are consumed.
 *
 * @throws QuarryError `PROTOCOL` when the list does not end: a page is named twice, or brings nothing again and again
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
    // The consumer may leave before it asks for the next page; its failure no longer matters then.
    pending?.catch(() => {});
    yield* page.items;
  }
}

/** What shows that a list does not end. */
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
