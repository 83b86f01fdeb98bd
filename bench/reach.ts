import { packageRoot } from '../src/cli/package-root.js';
import { HttpClient, PUBLIC_ONLY } from '../src/http/index.js';
import { resolveSources, sampleStream, syntheticChunk } from '../src/sources/index.js';
import { checkComposition } from './reach-check.js';
import { type ChunkScores, reachModels, scoreChunks } from './reach-models.js';
import { randomTargets, reachOf, shareAt } from './reach-share.js';
import type { BenchOptions } from './result.js';

/** One case: the share of random targets that rows of a corpus reach, alone and composed. */
export interface ReachResult {
  readonly [key: string]: unknown;
  readonly bench: 'reach';
  readonly case: string;
  readonly config: string;
  readonly corpus: 'corpus' | 'synthetic' | 'both';
  readonly rows: number;
  readonly z: number;
  readonly single: number;
  readonly composed4: number;
  readonly composed16: number;
  /** Of a composition of at most 16 parts. */
  readonly msPerTarget: number;
}

const LEVELS = [1, 2.27, 3.2, 4.5];

/** What the bench of reach takes beside what every bench does. */
export interface ReachOptions extends BenchOptions {
  /** Folder of the trained models. Default: random weights only. */
  readonly modelsDir?: string | undefined;
}

/**
 * Which share of random targets is reached: by files of this package, by the synthetic source, by both in turn; by the
 * best single row and by compositions of at most 4 and 16. Composed scores are checked against the reference first.
 *
 * @throws QuarryError `ENGINE_FAILED` when a composed score is not that of the joined bytes
 */
export async function* run(options: ReachOptions = {}): AsyncIterable<ReachResult> {
  const counts = options.quick ? [30, 100] : [30, 100, 300, 1000, 3000];
  const most = counts.at(-1) ?? 0;
  const corpus = await corpusChunks(most, options.signal);
  const synthetic = Array.from({ length: most }, (_, index) => syntheticChunk(index, 0).bytes);
  const chunks = [...corpus, ...synthetic];
  for (const { config, shape, open } of reachModels(options.modelsDir)) {
    const targets = randomTargets(options.quick ? 50 : 200, shape.embeddingDim);
    const weights = await open();
    try {
      const models: ChunkScores[] = [];
      for (const each of weights) models.push(await scoreChunks(each, shape, chunks, options.signal));
      await checkComposition(weights[0]!, shape, chunks, models[0]!, targets[0]!);
      for (const name of ['corpus', 'synthetic', 'both'] as const) {
        for (const rows of counts) {
          const picked = pick(name, rows, corpus.length);
          const [single, composed4, composed16] = await Promise.all(
            [1, 4, 16].map((parts) => reachOf(models, picked, targets, parts)),
          );
          for (const z of LEVELS) {
            yield {
              bench: 'reach',
              case: `${config}, ${name}, ${picked.length} rows, z ${z}`,
              config,
              corpus: name,
              rows: picked.length,
              z,
              single: shareAt(single!, z),
              composed4: shareAt(composed4!, z),
              composed16: shareAt(composed16!, z),
              msPerTarget: composed16!.msPerTarget,
            };
          }
        }
      }
    } finally {
      for (const each of weights) await each.close();
    }
  }
}

/** Indices of chunks: the first of the corpus, of the synthetic ones behind it, or of both in turn. */
function pick(name: 'corpus' | 'synthetic' | 'both', rows: number, corpus: number): number[] {
  if (name === 'corpus') return Array.from({ length: Math.min(rows, corpus) }, (_, i) => i);
  if (name === 'synthetic') return Array.from({ length: rows }, (_, i) => corpus + i);
  return Array.from({ length: rows }, (_, i) => (i % 2 === 0 && i / 2 < corpus ? i / 2 : corpus + (i >> 1)));
}

/** Chunks of this package's own files. */
async function corpusChunks(count: number, signal: AbortSignal | undefined): Promise<Uint8Array[]> {
  const http = new HttpClient({ addressPolicy: PUBLIC_ONLY });
  try {
    const cwd = packageRoot();
    const units = await resolveSources(['src', 'docs', 'test', 'native', 'bench'], { cwd, textOnly: true }, { http });
    const chunks: Uint8Array[] = [];
    for await (const { bytes } of sampleStream(units, { seed: 1, signal })) {
      if (bytes.length === 1024 && chunks.push(bytes) === count) break;
    }
    return chunks;
  } finally {
    await http.close();
  }
}
