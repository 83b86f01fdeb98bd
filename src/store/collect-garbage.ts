import { type ModelKey, modelKeyId } from './model-key.js';
import type { Store } from './store.js';

/** Result of {@link collectGarbage}. */
export interface StoreCollection {
  readonly removed: readonly { readonly model: ModelKey; readonly rows: number }[];
  readonly freedBytes: number;
}

/**
 * Removes the scores of all models not in `active`: replaced weights never compete again. Sample bytes stay, to be
 * scored under the new weights.
 */
export async function collectGarbage(store: Store, active: readonly ModelKey[]): Promise<StoreCollection> {
  const keep = new Set(active.map(modelKeyId));
  const { logs, drop } = store.internals;
  const removed: { model: ModelKey; rows: number }[] = [];
  let freedBytes = 0;
  for (const [id, log] of [...logs]) {
    if (keep.has(id)) continue;
    removed.push({ model: log.key, rows: log.count });
    freedBytes += log.bytesOnDisk;
    await drop(id);
  }
  return { removed, freedBytes };
}
