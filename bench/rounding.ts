import { boundOf, calibrationSamples, scoreError } from '../src/engine/calibration/error-bound.js';
import type { ErrorBound, Score } from '../src/engine/contract.js';
import { JS_PRODUCTS } from '../src/engine/js/products.js';
import { ProjectionCache } from '../src/engine/js/projection-cache.js';
import { negativeLogLikelihood } from '../src/engine/reference/cross-entropy.js';
import type { Products } from '../src/engine/reference/encoder.js';
import type { LinearWeights } from '../src/engine/reference/linear.js';
import { loadV1 } from '../src/engine/reference/reference-engine.js';
import { sigRegSum } from '../src/engine/reference/sig-reg.js';
import { encode } from '../src/engine/reference/v1-model.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import type { WeightsFile } from '../src/weights/weights-file.js';
import { breathe } from './breathe.js';
import { reachChunks } from './reach-corpus.js';
import { reachModels } from './reach-models.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';
import { type Rounding, roundBf16, roundInt8 } from './rounding-formats.js';

/** Tokens of a chunk: as many as calibration takes, so that bounds are those a load would measure. */
const TOKENS = 64;
const CHUNKS = 40;

/** The formats of a layer's products; `undefined` leaves f32. */
const FORMATS: readonly { readonly name: string; readonly attention: Rounding; readonly feedForward: Rounding }[] = [
  { name: 'bf16', attention: roundBf16, feedForward: roundBf16 },
  { name: 'int8 feed-forward', attention: roundBf16, feedForward: roundInt8 },
  { name: 'int8', attention: roundInt8, feedForward: roundInt8 },
];

/** Options of the rounding bench. */
export interface RoundingBenchOptions extends BenchOptions {
  /** Folder of the trained models. */
  readonly modelsDir?: string | undefined;
}

/**
 * How far scores move when inputs and weights of the layers' products are rounded: the bound that loading would state, the
 * largest error on text, and how many samples would have to be scored again in f32 because their two best losses are
 * closer than the bounds. Rounding is simulated, sums stay f64: no speed is measured. int8 has a scale a row of inputs and
 * a column of weights; attention's weighted values, which only its output product reads, are not rounded.
 */
export async function* run({ modelsDir, quick, signal }: RoundingBenchOptions = {}): AsyncIterable<BenchResult> {
  const { chunks } = await reachChunks(quick ? 4 : CHUNKS, signal);
  const samples = chunks.slice(0, quick ? 4 : CHUNKS).map((chunk) => chunk.subarray(0, TOKENS));
  for (const { config, shape, models, skipped } of reachModels(modelsDir)) {
    if (config !== 'medium' && config !== 'three-medium-trained') continue;
    if (skipped !== undefined) {
      yield benchResult({ bench: 'rounding', case: config, engine: 'js', unit: 'nat', note: `skipped: ${skipped}` });
      continue;
    }
    const bounds = new Map<string, number[]>();
    const losses: number[][] = [];
    for (const { name, open } of models) {
      const file = await open();
      try {
        const full = await scoresOf(file, shape, undefined, samples, signal);
        losses.push(full.text.map(({ loss }) => loss));
        for (const format of FORMATS) {
          const low = await scoresOf(file, shape, format, samples, signal);
          const bound = boundOf(low.calibration.map((score, i) => scoreError(score, full.calibration[i]!)));
          const errors = low.text.map((score, i) => scoreError(score, full.text[i]!));
          bounds.set(format.name, [...(bounds.get(format.name) ?? []), bound.loss]);
          yield resultOf(name, format.name, bound, errors);
        }
      } finally {
        await file.close();
      }
    }
    if (models.length > 1) yield* nearTies(losses, bounds);
  }
}

function resultOf(model: string, format: string, bound: ErrorBound, errors: readonly ErrorBound[]): BenchResult {
  const worst = (of: keyof ErrorBound): number => Math.max(...errors.map((error) => error[of]));
  return benchResult({
    ...{ bench: 'rounding', case: model, engine: 'js', precision: format, value: bound.loss, unit: 'nat' },
    error: worst('loss'),
    note: `bound of the distance ${bound.distance.toPrecision(2)}; on text up to ${worst('distance').toPrecision(2)}`,
  });
}

/** Samples whose two best losses are closer than their models' bounds together, as scoring has it. */
function* nearTies(losses: readonly number[][], bounds: ReadonlyMap<string, number[]>): Iterable<BenchResult> {
  const count = losses[0]!.length;
  for (const [format, each] of bounds) {
    let near = 0;
    for (let sample = 0; sample < count; sample++) {
      const order = losses.map((all, model) => ({ loss: all[sample]!, model })).sort((a, b) => a.loss - b.loss);
      const [best, second] = [order[0]!, order[1]!];
      if (second.loss - best.loss <= each[best.model]! + each[second.model]!) near++;
    }
    yield benchResult({
      ...{ bench: 'rounding', case: `near-ties among ${losses.length} models`, engine: 'js', precision: format },
      ...{ value: near / count, unit: 'of samples', note: `${near} of ${count}, to be scored again in f32` },
    });
  }
}

interface Scores {
  readonly calibration: readonly Score[];
  readonly text: readonly Score[];
}

async function scoresOf(
  file: WeightsFile,
  shape: ModelConfig,
  format: (typeof FORMATS)[number] | undefined,
  samples: readonly Uint8Array[],
  signal: AbortSignal | undefined,
): Promise<Scores> {
  const config = { ...shape, sequenceLength: TOKENS };
  const products = format === undefined ? JS_PRODUCTS : rounded(format);
  const projections = new ProjectionCache();
  const { model } = await loadV1(file, config, {
    projection: (seed) => projections.get(seed, config.embeddingDim),
    kernels: (weights) => ({
      config,
      representations: ({ tokens, positions }) => encode(weights, tokens, positions, config.numHeads, products),
      negativeLogLikelihood: (r, targets) => negativeLogLikelihood(JS_PRODUCTS.linear(r, weights.predictor), targets),
      sigReg: sigRegSum,
    }),
  });
  const score = async (of: readonly Uint8Array[]): Promise<Score[]> => {
    const scores: Score[] = [];
    for (const sample of of) {
      await breathe(signal);
      scores.push(...(await model.score([sample])));
    }
    return scores;
  };
  return { calibration: await score(calibrationSamples()), text: await score(samples) };
}

/** Products of rounded inputs and weights; weights are rounded once. */
function rounded({ attention, feedForward }: (typeof FORMATS)[number]): Products {
  const kept = new WeakMap<LinearWeights, LinearWeights>();
  const weightsOf = (weights: LinearWeights, format: Rounding): LinearWeights => {
    const known = kept.get(weights);
    if (known !== undefined) return known;
    const made = { ...weights, weight: format.weights(weights.weight, weights.bias.length) };
    kept.set(weights, made);
    return made;
  };
  return {
    linear: (x, weights) =>
      JS_PRODUCTS.linear(
        feedForward.inputs(x, weights.weight.length / weights.bias.length),
        weightsOf(weights, feedForward),
      ),
    attention: (u, { query, key, value, output }, rope, heads) =>
      JS_PRODUCTS.attention(
        attention.inputs(u, query.bias.length),
        {
          query: weightsOf(query, attention),
          key: weightsOf(key, attention),
          value: weightsOf(value, attention),
          output: weightsOf(output, attention),
        },
        rope,
        heads,
      ),
  };
}
