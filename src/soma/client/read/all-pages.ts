import { QuarryError } from '../../../errors/index.js';

/** A page of items and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Absent at the end. */
  readonly next: Uint8Array | undefined;
}

/**
 * All items of all pages. The next page is asked for while the items of this one are consumed.
 *
 * @throws QuarryError `PROTOCOL` when a page names itself as the next one
 */
export async function* allPages<T>(
  fetchPage: (token: { readonly pageToken?: Uint8Array | undefined }) => Promise<Page<T>>,
): AsyncGenerator<T, void, void> {
  let pending: Promise<Page<T>> | undefined = fetchPage({});
  let last: Uint8Array | undefined;
  while (pending !== undefined) {
    const page: Page<T> = await pending;
    if (page.next !== undefined && last !== undefined && Buffer.compare(page.next, last) === 0) {
      yield* page.items;
      throw new QuarryError('PROTOCOL', 'the node names a page as the one after itself');
    }
    last = page.next;
    pending = page.next === undefined ? undefined : fetchPage({ pageToken: page.next });
    // The consumer may leave before it asks for the next page; its failure is then nobody's concern.
    pending?.catch(() => {});
    yield* page.items;
  }
}
