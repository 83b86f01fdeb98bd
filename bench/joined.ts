import { createJsEngine } from '../src/engine/js/index.js';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { createReferenceEngine } from '../src/engine/reference/index.js';
import { MODEL_CONFIGS } from '../src/weights/model-config.js';
import { compareJoined, type JoinedResult } from './joined-compare.js';
import { reachChunks } from './reach-corpus.js';
import { randomModel, reachModels } from './reach-models.js';
import type { BenchOptions } from './result.js';

/** A case that did not run, and why. */
interface SkippedJoined {
  readonly [key: string]: unknown;
  readonly bench: 'joined';
  readonly case: string;
  readonly value: null;
  readonly note: string;
}

/** What the bench of joined samples takes beside what every bench does. */
export interface JoinedBenchOptions extends BenchOptions {
  /** Folder of the trained models. Default: random weights only. */
  readonly modelsDir?: string | undefined;
  /** Compositions that the native core checks. Default 1,000. */
  readonly targets?: number | undefined;
}

/** Chunks that compositions are made of, of files and as many synthetic ones. */
const CHUNKS = 32;
/** Time for which the plain engines, which take up to seconds each, check compositions under each set of models. */
const REFERENCE_MS = 120_000;

/**
 * Composed samples beside their joined bytes, under three models that compete: the means of the parts' scores, in f32 and
 * bf16, against what the bytes score in f32. By the native core for all, and for as many as fit two minutes by the reference
 * under small models of random weights, by the js engine under the trained ones.
 */
export async function* run(options: JoinedBenchOptions = {}): AsyncIterable<JoinedResult | SkippedJoined> {
  const { quick = false, targets: compositions = quick ? 8 : 1000, signal } = options;
  const { chunks } = await reachChunks(quick ? 4 : CHUNKS, signal);
  const small = [1n, 2n, 3n].map((seed) => randomModel('small', MODEL_CONFIGS.small, seed));
  const trained = reachModels(options.modelsDir).filter(({ config }) => config === 'three-medium-trained');
  const sets = [
    { name: 'three small models, random weights', models: small, shape: MODEL_CONFIGS.small, skipped: undefined },
    ...trained.map(({ models, shape, skipped }) => ({ name: 'three trained medium models', models, shape, skipped })),
  ];
  const parts = createNativeScoringEngine({ precision: 'f32' });
  const low = createNativeScoringEngine({ precision: 'bf16' });
  for (const { name, models, shape, skipped } of sets) {
    if (skipped !== undefined) {
      yield { bench: 'joined', case: name, value: null, note: `skipped: ${skipped}` };
      continue;
    }
    const common = { models, shape, chunks, compositions, parts, signal };
    yield* compareJoined({ ...common, name: `${name}, by the native core`, joined: parts, low });
    const limitMs = quick ? 1 : REFERENCE_MS;
    // The oracle takes minutes for a sample of the medium shape.
    const plain = shape === MODEL_CONFIGS.small ? createReferenceEngine() : createJsEngine();
    yield* compareJoined({ ...common, name: `${name}, by the ${plain.name} engine`, joined: plain, limitMs });
  }
}
