import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openStore, partsOfOrigin, type Store, verifyStore } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';

/** How far scoring came. */
interface Progress {
  /** Checksums of the samples that are kept. */
  readonly kept: ReadonlySet<string>;
  /** Whether each is scored under all three models wherever it is. */
  readonly isScored: boolean;
}

export function progressOf(store: Store): Progress {
  const isScored =
    store.models.length === 3 && store.models.every((model) => store.unscored(model, { limit: 1 }).length === 0);
  return { kept: new Set(checksumsOf(store)), isScored: store.sampleCount === 0 || isScored };
}

/** All scorers together; those that have no store yet count for nothing. */
export async function progressOfScorers(dirs: readonly string[]): Promise<Progress> {
  const each: Progress[] = [];
  for (const dir of dirs) {
    if (!existsSync(join(dir, 'index.db'))) continue;
    const store = await openStore({ dir, embeddingDim: MODEL_CONFIGS.small.embeddingDim, readonly: true });
    each.push(progressOf(store));
    await store.close();
  }
  return { kept: new Set(each.flatMap(({ kept }) => [...kept])), isScored: each.every(({ isScored }) => isScored) };
}

function checksumsOf(store: Store): string[] {
  return [...samplesOf(store)].map((id) => Buffer.from(store.checksum(id) ?? []).toString('hex'));
}

/** Samples of the data. What was composed of them is scored by calculation, and once more before a large bond is risked. */
function samplesOf(store: Store): Set<number> {
  const ids = [...Array(store.sampleCount).keys()];
  return new Set(ids.filter((id) => partsOfOrigin(store.sample(id).origin) === undefined));
}

/**
 * Every sample is in a store, and in each that has it has one score under each of the three models, a finite one; the files
 * are whole.
 *
 * @returns how many samples are in more than one store
 */
export async function scoredOnce(dirs: readonly string[], samples: number): Promise<number> {
  const all: string[] = [];
  for (const dir of dirs) {
    const store = await openStore({ dir, embeddingDim: MODEL_CONFIGS.small.embeddingDim });
    try {
      expect((await verifyStore(store)).faults).toEqual([]);
      all.push(...checksumsOf(store));
      expectScoredOnce(store);
    } finally {
      await store.close();
    }
  }
  expect(new Set(all).size).toBe(samples);
  return all.length - samples;
}

function expectScoredOnce(store: Store): void {
  const ids = samplesOf(store);
  const logs = [...store.internals.logs.values()];
  expect(logs).toHaveLength(3);
  for (const log of logs) {
    const { array: samples } = log.samples;
    const rows = [...Array(log.count).keys()].filter((row) => ids.has(samples[row]!));
    expect(new Set(rows.map((row) => samples[row])).size).toBe(ids.size);
    // Near-ties have a second one, in f32.
    expect(new Set(rows.map((row) => `${samples[row]} ${log.precision(row)}`)).size).toBe(rows.length);
    expect(rows.every((row) => Number.isFinite(log.losses.array[row]))).toBe(true);
  }
}
