import { type SearchPart, TargetSearch } from '../src/search/index.js';
import { createPool } from '../src/store/compose/create-pool.js';
import type { ComposePool } from '../src/store/compose/pool.js';
import type { ChunkScores } from './reach-models.js';

/** By how much a loss may be off: half of it on either side is what the winner must lead by. */
const LOSS_BOUND = 1e-3;
/** Chunks of a sample, as many as a batch has. */
const MOST_PARTS = 16;

/** Known chunks and what competing models make of them. */
export interface KnownChunks {
  readonly chunks: readonly Uint8Array[];
  readonly scores: readonly ChunkScores[];
  readonly dim: number;
  /** The chunks' embeddings under each model. */
  readonly pools: readonly ComposePool[];
}

/** Known chunks, ready to be composed of. */
export async function knownChunks(
  chunks: readonly Uint8Array[],
  scores: readonly ChunkScores[],
  dim: number,
): Promise<KnownChunks> {
  const pools: ComposePool[] = [];
  for (const { embeddings } of scores) {
    const pool = createPool(dim, chunks.length);
    await pool.put(Int32Array.from(chunks.keys()), embeddings);
    pools.push(pool);
  }
  return { chunks, scores, dim, pools };
}

/** A chunk and the scores it got, as a search takes them. */
export function partOf(bytes: Uint8Array, scores: SearchPart['scores']): SearchPart {
  return { bytes, scores, lossBound: LOSS_BOUND };
}

/**
 * A search for at most 16 parts that begins with the best composition of at most `first` known chunks, whichever model
 * wins it; blends and stretches are those of the best one of 16.
 *
 * @returns undefined when none of the models wins a chunk
 */
export async function startSearch(
  known: KnownChunks,
  embedding: Float32Array,
  first: number,
  seed: bigint,
): Promise<TargetSearch<SearchPart> | undefined> {
  const start = await closest(known, embedding, first);
  if (start === undefined) return undefined;
  const donors = first >= MOST_PARTS ? start : await closest(known, embedding, MOST_PARTS);
  const parts = start.slots.map((slot) => knownPart(known, slot));
  const chunks = (donors?.slots ?? []).map((slot) => known.chunks[slot]!);
  const { winner } = start;
  const goal = { embedding, winner, maxParts: MOST_PARTS, seed };
  return new TargetSearch(goal, parts, chunks);
}

function knownPart({ chunks, scores, dim }: KnownChunks, slot: number): SearchPart {
  const of = ({ losses, embeddings }: ChunkScores) => ({
    loss: losses[slot]!,
    embedding: embeddings.subarray(slot * dim, (slot + 1) * dim),
  });
  return partOf(chunks[slot]!, scores.map(of));
}

async function closest({ scores, pools }: KnownChunks, targets: Float32Array, maxParts: number) {
  let best: { slots: readonly number[]; cosine: number; winner: number } | undefined;
  for (const [winner, { losses: own }] of scores.entries()) {
    const rivals = scores.filter((_, rival) => rival !== winner);
    // A little more than the search asks, which adds in another order.
    const leads = rivals.map(({ losses }) => losses.map((loss, i) => loss - own[i]! - 2.05 * LOSS_BOUND));
    const [found] = await pools[winner]!.search({
      targets,
      cosines: Float64Array.of(2),
      leads: leads.map((lead) => Float32Array.from(lead)),
      maxParts,
    });
    if (found === undefined || found.slots.length === 0) continue;
    if (best === undefined || found.cosine > best.cosine) best = { ...found, winner };
  }
  return best;
}
