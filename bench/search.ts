import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { median } from './quantile.js';
import { reachChunks } from './reach-corpus.js';
import { type ChunkScores, loadModels, type ReachModels, reachModels, scoreChunks } from './reach-models.js';
import { randomTargets } from './reach-share.js';
import type { BenchOptions } from './result.js';
import { type BackwardResult, backwardCases } from './search-backward.js';
import { knownChunks, startSearch } from './search-start.js';
import { cosineInF32, takeSteps } from './search-steps.js';

/** How far a search comes beyond what is known. */
export interface SearchResult {
  readonly [key: string]: unknown;
  readonly bench: 'search';
  readonly case: string;
  readonly targets: number;
  /** More targets are still to come: told again with them. */
  readonly partial: boolean;
  readonly knownChunks: number;
  /**
   * Median gain in z, the cosine times the root of the width, over the best known chunk or composition: after 5 steps of
   * twelve proposals and after 25.
   */
  readonly gain5: number;
  readonly gain25: number;
  /** Share of the targets reached at z = 3.2 and 4.5: by what is known, and after 25 steps. */
  readonly known32: number;
  readonly searched32: number;
  readonly known45: number;
  readonly searched45: number;
}

/** A case that did not run, and why. */
interface SkippedSearch {
  readonly [key: string]: unknown;
  readonly bench: 'search';
  readonly case: string;
  readonly value: null;
  readonly note: string;
}

/** What the bench of searches takes beside what every bench does. */
export interface SearchBenchOptions extends BenchOptions {
  /** Folder of the trained models. Default: the backward pass alone. */
  readonly modelsDir?: string | undefined;
  /** Where scores of known chunks are kept for the next run. Default: nowhere. */
  readonly directory?: string | undefined;
  /** Targets searched for. Default 50. */
  readonly targets?: number | undefined;
}

const STEPS = 25;
/** What a composition is searched for at most: both levels are reached then. */
const HARDEST_Z = 4.5;
/** A search in bf16 ends this much beyond what is to be reached in f32. */
const ROUNDING_Z = 0.02;
/** Progress is printed after this many targets. */
const TOLD_EVERY = 5;
/** Where searches begin: the best known chunk, or the best composition of this many. */
const STARTS: Readonly<Record<string, { readonly parts: number; readonly of: string } | undefined>> = {
  'medium-trained': { parts: 1, of: 'the best chunk' },
  'three-medium-trained': { parts: 16, of: 'the best composition' },
};

/**
 * The backward pass beside the forward pass; then searches with the trained models: from the best known chunk, one
 * model aimed at, and from the best composition, three models competing. Steps are scored in bf16, where they end in f32.
 */
export async function* run(
  options: SearchBenchOptions = {},
): AsyncIterable<BackwardResult | SearchResult | SkippedSearch> {
  const { quick = false, signal } = options;
  yield* backwardCases(quick, signal);
  for (const models of reachModels(options.modelsDir)) {
    const start = STARTS[models.config];
    if (start === undefined) continue;
    const name = `${models.config}, from ${start.of}, at most 16 parts`;
    if (models.skipped !== undefined) {
      yield { bench: 'search', case: name, value: null, note: `skipped: ${models.skipped}` };
    } else yield* searchCase(name, models, start.parts, options);
  }
}

async function* searchCase(
  name: string,
  { models, shape }: ReachModels,
  first: number,
  { quick = false, targets = quick ? 4 : 50, directory, signal }: SearchBenchOptions,
): AsyncIterable<SearchResult> {
  const { chunks } = await reachChunks(quick ? 32 : 256, signal);
  const scores: ChunkScores[] = [];
  for (const model of models) scores.push(await scoreChunks(model, shape, chunks, { directory, signal }));
  const known = await knownChunks(chunks, scores, shape.embeddingDim);
  const fast = await loadModels(createNativeScoringEngine({ precision: 'bf16' }), { models, shape });
  const exact = await loadModels(createNativeScoringEngine({ precision: 'f32' }), { models, shape });
  const root = Math.sqrt(shape.embeddingDim);
  const paths: number[][] = [];
  const enough = first === 1 ? 2 : (HARDEST_Z + ROUNDING_Z) / root;
  for (const [i, embedding] of randomTargets(targets, shape.embeddingDim).entries()) {
    const search = await startSearch(known, embedding, first, BigInt(i));
    if (search !== undefined) {
      const goal = { embedding, signal, enough, steps: quick ? 5 : STEPS };
      const cosines = await takeSteps(search, fast, goal);
      const end = await cosineInF32(search, exact, goal);
      paths.push([...cosines.slice(0, -1), end].map((cosine) => cosine * root));
    }
    const told = { targets: paths.length, partial: i + 1 < targets, knownChunks: chunks.length };
    if (!told.partial || (i + 1) % TOLD_EVERY === 0) {
      yield { bench: 'search', case: name, ...told, ...summarise(paths) };
    }
  }
  for (const model of [...fast, ...exact]) await model.close();
  for (const pool of known.pools) pool.close();
}

function summarise(paths: readonly (readonly number[])[]) {
  const gain = (step: number): number => median(paths.map((path) => (path[step] ?? path.at(-1)!) - path[0]!));
  // The last is in f32: a result within rounding of the level does not count as beyond it.
  const share = (z: number, step: number): number => paths.filter((path) => path.at(step)! >= z).length / paths.length;
  return {
    gain5: gain(5),
    gain25: gain(STEPS),
    known32: share(3.2, 0),
    searched32: share(3.2, -1),
    known45: share(HARDEST_Z, 0),
    searched45: share(HARDEST_Z, -1),
  };
}
