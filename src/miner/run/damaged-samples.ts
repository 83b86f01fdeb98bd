import type { QuarryError } from '../../errors/index.js';
import type { Store } from '../../store/index.js';

export interface DamagedSamplesDeps {
  readonly store: Pick<Store, 'tombstone'>;
  readonly warn: (error: QuarryError) => void;
  /** Targets that the sample answered may have another answer. */
  readonly matchAgain: () => void;
}

/**
 * Takes a sample that is damaged on disk out of the store for good; the others are as good as before.
 *
 * @returns whether `error` was about such a sample
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
