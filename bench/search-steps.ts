import type { NativeScoringEngine } from '../src/engine/native/index.js';
import { cosineDistance } from '../src/engine/reference/index.js';
import { isWonBy, type SearchPart, type TargetSearch } from '../src/search/index.js';
import { partOf } from './search-start.js';

/** A model that searches score with. */
export type SearchModel = Awaited<ReturnType<NativeScoringEngine['load']>>;

/** Chunks proposed in a step. */
const PROPOSALS = 12;

/** How far a search goes. */
export interface StepOptions {
  /** Of the target, `[dim]`. */
  readonly embedding: Float32Array;
  readonly steps: number;
  /** Cosine at which it ends. */
  readonly enough: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Continues a search for `steps` steps, or until it comes as close as `enough`. The rivals of the winner score only
 * what comes closer under it: nothing else is accepted.
 *
 * @returns the cosine before the first step and after each
 */
export async function takeSteps(
  search: TargetSearch<SearchPart>,
  models: readonly SearchModel[],
  { embedding, steps, enough, signal }: StepOptions,
): Promise<number[]> {
  const cosines = [search.cosine];
  for (let step = 0; step < steps; step++) {
    if (search.cosine < enough) {
      // How a relaxed chunk goes on depends on who wins it, also where it is not yet close.
      const { winner, isRelaxing } = search;
      const chunks = await search.proposals(models, PROPOSALS, signal);
      const own = await models[winner]!.score(chunks, { signal });
      const near = chunks.filter((_, i) => isRelaxing || helps(search.parts, winner, own[i]!.embedding, embedding));
      const scores: (readonly Score[])[] = [];
      for (const [m, model] of models.entries()) {
        const scored = m === winner || near.length === 0 ? [] : await model.score(near, { signal });
        scores.push(m === winner ? own : chunks.map((chunk, i) => scored[near.indexOf(chunk)] ?? beaten(own[i]!)));
      }
      search.take(
        chunks.map((bytes, i) =>
          partOf(
            bytes,
            scores.map((each) => each[i]!),
          ),
        ),
      );
    }
    cosines.push(search.cosine);
  }
  return cosines;
}

/**
 * How close a search's sample comes in f32.
 *
 * @returns the cosine; -1 when the winner is another
 */
export async function cosineInF32(
  { parts, winner }: Pick<TargetSearch<SearchPart>, 'parts' | 'winner'>,
  models: readonly SearchModel[],
  { embedding, signal }: Pick<StepOptions, 'embedding' | 'signal'>,
): Promise<number> {
  const kinds = [...new Set(parts)];
  const scores: (readonly Score[])[] = [];
  for (const model of models) {
    scores.push(
      await model.score(
        kinds.map(({ bytes }) => bytes),
        { signal },
      ),
    );
  }
  const scored = parts.map((part) =>
    partOf(
      part.bytes,
      scores.map((each) => each[kinds.indexOf(part)]!),
    ),
  );
  if (!isWonBy(winner, scored)) return -1;
  return 1 - cosineDistance(meanOf(scored, winner), embedding);
}

type Score = SearchPart['scores'][number];

/** Of a chunk that need not be scored by another model: as if that one won. */
function beaten({ embedding }: Score): Score {
  return { loss: Number.NEGATIVE_INFINITY, embedding };
}

/** Whether a chunk brings a sample closer, in the place of any part, as one more or alone. */
function helps(parts: readonly SearchPart[], winner: number, added: Float32Array, embedding: Float32Array): boolean {
  const mean = meanOf(parts, winner);
  const before = 1 - cosineDistance(mean, embedding);
  const closeness = (removed: ArrayLike<number> | undefined): number => {
    const sum = mean.map((value, i) => value * parts.length + added[i]! - (removed?.[i] ?? 0));
    return 1 - cosineDistance(sum, embedding);
  };
  const places = [undefined, ...new Set(parts)].map((part) => part?.scores[winner]?.embedding);
  return 1 - cosineDistance(added, embedding) >= before || places.some((removed) => closeness(removed) > before);
}

function meanOf(parts: readonly SearchPart[], winner: number): Float32Array {
  const mean = new Float32Array(parts[0]?.scores[winner]?.embedding.length ?? 0);
  for (const { scores } of parts) {
    for (const [i, value] of scores[winner]!.embedding.entries()) mean[i] = mean[i]! + value / parts.length;
  }
  return mean;
}
