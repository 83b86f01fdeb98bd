import { partsOfOrigin, type Store } from '../../store/index.js';

const SEARCHED = /^searched from sample \d+$/;

/** Origin text of a chunk that a search derived from another sample. */
export function searchedOrigin(baseId: number): string {
  return `searched from sample ${baseId}`;
}

/** Whether a sample with this origin, or one of the parts it was joined from, came from a search. */
export function isSearched(store: Pick<Store, 'sample'>, origin: string): boolean {
  const parts = partsOfOrigin(origin);
  if (parts === undefined) return SEARCHED.test(origin);
  return parts.some((id) => SEARCHED.test(store.sample(id).origin));
}
