import { normalArray } from '../src/engine/reference/index.js';
import { createPool } from '../src/store/compose/create-pool.js';
import type { ComposePool } from '../src/store/compose/pool.js';
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
export async function reachOf(
  models: readonly ChunkScores[],
  rows: readonly number[],
  targets: readonly Float32Array[],
  maxParts: number,
): Promise<Reached> {
  const dim = targets[0]?.length ?? 1;
  const flat = new Float32Array(targets.length * dim);
  for (const [i, target] of targets.entries()) flat.set(target, i * dim);
  const pools: ComposePool[] = [];
  for (const { embeddings } of models) {
    const pool = createPool(dim, rows.length);
    const picked = new Float32Array(rows.length * dim);
    for (const [slot, row] of rows.entries()) picked.set(embeddings.subarray(row * dim, (row + 1) * dim), slot * dim);
    await pool.put(Int32Array.from(rows.keys()), picked);
    pools.push(pool);
  }
  const z = new Float64Array(targets.length).fill(-1);
  const started = performance.now();
  for (const [winner, pool] of pools.entries()) {
    const own = models[winner]!.losses;
    const rivals = models.filter((_, rival) => rival !== winner);
    const leads = rivals.map(({ losses }) => Float32Array.from(rows, (row) => losses[row]! - own[row]! - LEAD));
    const cosines = new Float64Array(targets.length).fill(2);
    const found = await pool.search({ targets: flat, cosines, leads, maxParts });
    for (const [i, { cosine }] of found.entries()) z[i] = Math.max(z[i]!, cosine * Math.sqrt(dim));
  }
  const msPerTarget = (performance.now() - started) / targets.length;
  for (const pool of pools) pool.close();
  return { z, msPerTarget };
}

/** The share of targets reached at z. */
export function shareAt({ z: reached }: Reached, z: number): number {
  return reached.filter((each) => each >= z).length / reached.length;
}
