import type { NativeScoringEngine } from '../src/engine/native/index.js';
import type { SearchPart, TargetSearch } from '../src/search/index.js';
import { partOf } from './search-start.js';

type Model = Awaited<ReturnType<NativeScoringEngine['load']>>;

/** Chunks proposed in a step. */
const PROPOSALS = 12;

/**
 * Goes on with a search for `steps` steps, or until it comes as close as `enough`.
 *
 * @returns the cosine before the first step and after each
 */
export async function takeSteps(
  search: TargetSearch<SearchPart>,
  winner: number,
  models: readonly Model[],
  {
    steps,
    enough,
    signal,
  }: { readonly steps: number; readonly enough: number; readonly signal?: AbortSignal | undefined },
): Promise<number[]> {
  const cosines = [search.cosine];
  for (let step = 0; step < steps; step++) {
    if (search.cosine < enough) {
      const { part, direction } = search.next();
      const gradient = await models[winner]!.byteGradient(part.bytes, direction, { signal });
      const chunks = search.propose(gradient, PROPOSALS);
      const scores: SearchPart['scores'][] = [];
      for (const model of models) scores.push(await model.score(chunks, { signal }));
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
