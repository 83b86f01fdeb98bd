import { checkCompositions } from './reach-check.js';
import { type CorpusName, reachChunks, spreadFirst } from './reach-corpus.js';
import { type ChunkScores, type ReachConfig, reachModels, scoreChunks } from './reach-models.js';
import { randomTargets, reachOf, shareAt } from './reach-share.js';
import type { BenchOptions } from './result.js';

export { reachPlot as plot } from './reach-plot.js';

/** One case: the share of random targets that rows of a corpus reach, alone and composed. */
export interface ReachResult {
  readonly [key: string]: unknown;
  readonly bench: 'reach';
  readonly case: string;
  readonly config: ReachConfig;
  readonly corpus: CorpusName;
  /** `spread`: the first of all rows of the corpus in the order in which a miner scores them. */
  readonly order: 'arrival' | 'spread';
  readonly rows: number;
  readonly z: number;
  readonly single: number;
  readonly composed4: number;
  readonly composed16: number;
  /** Of a composition of at most 16 parts that goes as far as it can, whichever of the models wins. */
  readonly msPerTarget: number;
}

/** A case that did not run, and why. */
export interface SkippedReach {
  readonly [key: string]: unknown;
  readonly bench: 'reach';
  readonly case: string;
  readonly value: null;
  readonly peer: string;
  readonly note: string;
}

const LEVELS = [1, 2.27, 3.2, 4.5];

/** What the bench of reach takes beside what every bench does. */
export interface ReachOptions extends BenchOptions {
  /** Up to 3,000 rows, and V1 with two layers. */
  readonly full?: boolean;
  /** Folder of the trained models. Default: random weights only. */
  readonly modelsDir?: string | undefined;
  /** Where scores are kept for the next run. Default: nowhere. */
  readonly directory?: string | undefined;
}

/**
 * What share of random targets is reached: by files of this package, by the synthetic source, by both in turn; by the
 * best single row and by compositions of at most 4 and 16. Composed scores are checked against the reference first.
 *
 * @throws QuarryError `ENGINE_FAILED` when a composed score is not that of the joined bytes
 */
export async function* run(options: ReachOptions = {}): AsyncIterable<ReachResult | SkippedReach> {
  const { quick = false, full = false, directory, signal } = options;
  for (const { config, shape, models, skipped } of reachModels(options.modelsDir)) {
    const large = config === 'v1-two-layers';
    if (large && !full) continue;
    if (skipped !== undefined) {
      yield { bench: 'reach', case: config, value: null, peer: config, note: `skipped: ${skipped}` };
      continue;
    }
    const counts = quick ? [30] : large ? [30, 100] : full ? [30, 100, 300, 1000, 3000] : [30, 100, 300];
    const { chunks, pick } = await reachChunks(counts.at(-1) ?? 0, signal);
    const targets = randomTargets(quick ? 50 : 200, shape.embeddingDim);
    const scores: ChunkScores[] = [];
    for (const model of models) scores.push(await scoreChunks(model, shape, chunks, { directory, signal }));
    await checkCompositions(models[0]!, shape, chunks, scores[0]!, targets[0]!, full && !large ? 8 : 1, signal);
    for (const corpus of ['corpus', 'synthetic', 'both'] as const) {
      for (const count of counts) {
        yield* casesOf({ config, corpus, order: 'arrival' }, scores, pick(corpus, count), targets);
      }
    }
    const files = pick('corpus', counts.at(-1) ?? 0);
    for (const count of counts.filter((each) => each < files.length)) {
      const rows = spreadFirst(chunks, files, count);
      yield* casesOf({ config, corpus: 'corpus', order: 'spread' }, scores, rows, targets);
    }
  }
}

async function* casesOf(
  of: Pick<ReachResult, 'config' | 'corpus' | 'order'>,
  scores: readonly ChunkScores[],
  rows: readonly number[],
  targets: readonly Float32Array[],
): AsyncIterable<ReachResult> {
  const single = await reachOf(scores, rows, targets, 1);
  const composed4 = await reachOf(scores, rows, targets, 4);
  const composed16 = await reachOf(scores, rows, targets, 16);
  for (const z of LEVELS) {
    yield {
      bench: 'reach',
      case: `${of.config}, ${of.corpus}${of.order === 'spread' ? ' in spread order' : ''}, ${rows.length} rows, z ${z}`,
      config: of.config,
      corpus: of.corpus,
      order: of.order,
      rows: rows.length,
      z,
      single: shareAt(single, z),
      composed4: shareAt(composed4, z),
      composed16: shareAt(composed16, z),
      msPerTarget: composed16.msPerTarget,
    };
  }
}
