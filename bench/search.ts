import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { reachChunks } from './reach-corpus.js';
import { type ChunkScores, type ReachModels, reachModels, scoreChunks } from './reach-models.js';
import { randomTargets } from './reach-share.js';
import type { BenchOptions } from './result.js';
import { type BackwardResult, backwardCases } from './search-backward.js';
import { knownChunks, startSearch } from './search-start.js';
import { takeSteps } from './search-steps.js';

/** How far a search comes beyond what is known. */
export interface SearchResult {
  readonly [key: string]: unknown;
  readonly bench: 'search';
  readonly case: string;
  readonly targets: number;
  readonly knownChunks: number;
  /** Median gain in z, the cosine times the root of the width, after 5 steps of twelve proposals and after 25. */
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

/**
 * The backward pass beside the forward pass; then searches with the trained models: from the best known chunk alone, one
 * model aimed at, and from the best composition, three models competing.
 */
export async function* run(
  options: SearchBenchOptions = {},
): AsyncIterable<BackwardResult | SearchResult | SkippedSearch> {
  const { quick = false, signal } = options;
  yield* backwardCases(quick, signal);
  for (const models of reachModels(options.modelsDir)) {
    const parts = { 'medium-trained': 1, 'three-medium-trained': 16 }[models.config as string];
    if (parts === undefined) continue;
    const name = `${models.config}, ${parts === 1 ? 'one chunk' : `composed of at most ${parts}`}`;
    if (models.skipped !== undefined) {
      yield { bench: 'search', case: name, value: null, note: `skipped: ${models.skipped}` };
    } else yield await searchCase(name, models, parts, options);
  }
}

async function searchCase(
  name: string,
  { models, shape }: ReachModels,
  maxParts: number,
  { quick = false, targets = quick ? 4 : 50, directory, signal }: SearchBenchOptions,
): Promise<SearchResult> {
  const { chunks } = await reachChunks(quick ? 32 : 256, signal);
  const scores: ChunkScores[] = [];
  for (const model of models) scores.push(await scoreChunks(model, shape, chunks, { directory, signal }));
  const known = await knownChunks(chunks, scores, shape.embeddingDim);
  const engine = createNativeScoringEngine({ precision: 'f32' });
  const loaded = [];
  for (const { open } of models) {
    const weights = await open();
    loaded.push(await engine.load(weights, shape));
    await weights.close();
  }
  const root = Math.sqrt(shape.embeddingDim);
  const paths: number[][] = [];
  for (const [i, target] of randomTargets(targets, shape.embeddingDim).entries()) {
    const start = await startSearch(known, target, maxParts, BigInt(i));
    if (start === undefined) continue;
    const enough = maxParts === 1 ? 2 : HARDEST_Z / root;
    const cosines = await takeSteps(start.search, start.winner, loaded, { steps: quick ? 5 : STEPS, enough, signal });
    paths.push(cosines.map((cosine) => cosine * root));
  }
  for (const model of loaded) await model.close();
  for (const pool of known.pools) pool.close();
  return { bench: 'search', case: name, targets: paths.length, knownChunks: chunks.length, ...summarise(paths) };
}

function summarise(paths: readonly (readonly number[])[]) {
  const gain = (step: number): number => median(paths.map((path) => (path[step] ?? path.at(-1)!) - path[0]!));
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

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
}
