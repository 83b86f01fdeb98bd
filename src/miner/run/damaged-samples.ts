import type { QuarryError } from '../../errors/index.js';
import type { Store } from '../../store/index.js';

export interface DamagedSamplesDeps {
  readonly store: Pick<Store, 'tombstone'>;
  readonly warn: (error: QuarryError) => void;
  /** Matches all targets again: those that the sample hit may have another hit. */
  readonly matchAgain: () => void;
}

/**
 * If `error` is about a sample damaged on disk, removes that sample from the store.
 *
 * @returns whether it was
 */
export async function leaveOutDamaged(
  error: QuarryError,
  { store, warn, matchAgain }: DamagedSamplesDeps,
): Promise<boolean> {
  const { sampleId } = error.details;
  if (error.code !== 'STORE_CORRUPT' || typeof sampleId !== 'number') return false;
  await store.tombstone([sampleId]);
  warn(error);
  matchAgain();
  return true;
}
