import { QuarryError } from '../errors/index.js';
import { FlockError } from './errors.js';
import type { Page } from './types.js';

/** Maximum page size of the service. */
export const MAX_PAGE_SIZE = 100;
/** Page size of the service if none is requested. */
const DEFAULT_PAGE_SIZE = 50;
/** A listing with more pages is taken for a server that never ends it. */
const MAX_PAGES = 100_000;

/** Which page to fetch. */
export interface PageOptions {
  /** Page number from 1. */
  readonly page?: number | undefined;
  /** Rows per page, 1 to 100. */
  readonly size?: number | undefined;
}

/**
 * Fills in defaults for page number and size.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when page is below 1
 * @throws QuarryError `INVALID_ARGUMENT` when size is outside 1 to 100
 */
export function checkPage(options: PageOptions = {}): { page: number; size: number } {
  const { page = 1, size = DEFAULT_PAGE_SIZE } = options;
  if (!Number.isSafeInteger(page) || page < 1) {
    throw new QuarryError('INVALID_ARGUMENT', `"page" expected a whole number of at least 1, got ${page}`);
  }
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_PAGE_SIZE) {
    throw new QuarryError('INVALID_ARGUMENT', `"size" expected a whole number from 1 to ${MAX_PAGE_SIZE}, got ${size}`);
  }
  return { page, size };
}

/**
 * All rows of a paged endpoint. Ends at an empty page, at the last page according to `pages`, or after `total` rows.
 *
 * A server that ignores `page` returns the same rows every time. If it did not announce an end, the listing ends after
 * the first copy; if it announced more, the rows would be incomplete and this fails.
 *
 * @throws FlockError `FLOCK_DECODE` when a page repeats the previous one although more rows were announced
 */
export async function* iteratePages<T>(
  fetchPage: (page: number, size: number) => Promise<Page<T>>,
  size: number = MAX_PAGE_SIZE,
): AsyncGenerator<T, void, undefined> {
  let previous: string | undefined;
  let seen = 0;
  for (let page = 1; page <= MAX_PAGES; page++) {
    const got = await fetchPage(page, size);
    if (got.items.length === 0) return;
    const content = JSON.stringify(got.items);
    if (content === previous) {
      if (got.total === null && got.pages === null) return;
      throw new FlockError('FLOCK_DECODE', `page ${page} of the listing repeats page ${page - 1}`, {
        details: { page, rows: seen, ...(got.total !== null && { total: got.total }) },
        hint: 'The service seems to ignore the page number, so the listing cannot be completed.',
      });
    }
    previous = content;
    yield* got.items;
    seen += got.items.length;
    if (got.pages !== null && page >= got.pages) return;
    // Use the page size from the response, which may be smaller than requested.
    if (got.total !== null && (seen >= got.total || page * got.size >= got.total)) return;
  }
}
