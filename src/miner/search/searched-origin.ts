import { partsOfOrigin, type Store } from '../../store/index.js';

const SEARCHED = /^searched from sample \d+$/;

/** The origin of a chunk that a search made of another sample. */
export function searchedOrigin(baseId: number): string {
  return `searched from sample ${baseId}`;
}

/** Whether a sample of this origin came from a search, or was joined of parts of which one did. */
export function isSearched(store: Pick<Store, 'sample'>, origin: string): boolean {
  const parts = partsOfOrigin(origin);
  if (parts === undefined) return SEARCHED.test(origin);
  return parts.some((id) => SEARCHED.test(store.sample(id).origin));
}
