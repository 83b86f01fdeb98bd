import { collectGarbage, type ModelKey, type Store } from '../../store/index.js';
import type { Journal } from '../journal/journal.js';

export interface StaleScoresDeps {
  readonly store: Store;
  readonly journal: Journal;
}

/**
 * Drops scores of weights that have been inactive for more than `keepEpochs` epochs: replaced weights never compete
 * again. The journal records when each was last seen active, so restarts do not matter; weights it does not know count
 * as seen in this epoch.
 *
 * @param active weights that are active in `epoch`
 * @returns rows and bytes removed
 */
export async function dropStaleScores(
  { store, journal }: StaleScoresDeps,
  active: readonly ModelKey[],
  epoch: bigint,
  keepEpochs: number,
): Promise<{ readonly rows: number; readonly freedBytes: number }> {
  const stale = new Set(journal.weights.note(active, store.models, epoch, keepEpochs).map(nameOf));
  if (stale.size === 0) return { rows: 0, freedBytes: 0 };
  const kept = store.models.filter((key) => !stale.has(nameOf(key)));
  const { removed, freedBytes } = await collectGarbage(store, kept);
  return { rows: removed.reduce((sum, { rows }) => sum + rows, 0), freedBytes };
}

function nameOf({ architecture, checksum }: ModelKey): string {
  return `${architecture} ${checksum}`;
}
