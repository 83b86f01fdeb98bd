import { normalArray } from '../src/engine/reference/index.js';
import { RowPool } from '../src/store/compose/row-pool.js';
import { searchComposition } from '../src/store/compose/search.js';
import type { ChunkScores } from './reach-models.js';

/** By how much the winner's mean loss must lie below that of the others. */
const LEAD = 2e-3;

/** How close the targets were reached, and in what time. */
export interface Reached {
  /** Best z of each target: its cosine times the root of the width. */
  readonly z: Float64Array;
  readonly msPerTarget: number;
}

/** Random targets, `[count]` of `[dim]`, the same for every case. */
export function randomTargets(count: number, dim: number): Float32Array[] {
  return Array.from({ length: count }, (_, i) => normalArray(BigInt(7_000_000 + i), dim));
}

/** The closest that compositions of at most `maxParts` of the rows come to each target, whichever model wins. */
export function reachOf(
  models: readonly ChunkScores[],
  rows: readonly number[],
  targets: readonly Float32Array[],
  maxParts: number,
): Reached {
  const dim = targets[0]?.length ?? 1;
  const pools = models.map(({ embeddings, losses }) => {
    const pool = new RowPool(dim, rows.length);
    // Half of the lead on either side.
    for (const [slot, row] of rows.entries()) {
      pool.set(slot, embeddings.subarray(row * dim, (row + 1) * dim), losses[row]!, LEAD / 2);
    }
    return pool;
  });
  const started = performance.now();
  const z = Float64Array.from(targets, (embedding) => {
    const found = pools.map((_, winner) => searchComposition(pools, winner, { embedding, cosine: 2, maxParts }));
    return Math.max(...found.map((each) => each?.cosine ?? -1)) * Math.sqrt(dim);
  });
  return { z, msPerTarget: (performance.now() - started) / targets.length };
}

/** The share of targets reached at z. */
export function shareAt({ z: reached }: Reached, z: number): number {
  return reached.filter((each) => each >= z).length / reached.length;
}
