import type { Score } from '../../src/engine/contract.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { encodeSafetensors, type SafetensorsTensor } from '../../src/weights/safetensors-write.js';
import { v1Tensors } from '../../src/weights/v1-layout.js';
import { wordBytes } from '../native/models.js';
import { MEBIBYTE_CONFIG, mebibyteWeights } from './mebibyte-case.js';
import { configOf, RUNNER_GOLDENS, runnerFile } from './small-model.js';
import { dataOf, runnerWeights, vectors } from './vectors.js';

/** One model and one sample, of which every engine must make the same. */
export interface ScoringCase {
  /** Heading in the table. */
  readonly column: string;
  /** For test titles. */
  readonly title: string;
  /** Tokens of a chunk where the case fixes them; else it is made for any number. */
  readonly tokens?: number;
  /** The model and the sample at a chunk length. */
  readonly make: (tokens: number) => {
    readonly config: ModelConfig;
    readonly weights: () => Uint8Array;
    readonly data: Uint8Array;
  };
  readonly seed?: bigint;
  /** Largest relative error of f32 engines. Default 1e-5. */
  readonly tolerance?: number;
  /** What must come out, where that is known without the reference engine. */
  readonly stored?: Pick<Score, 'loss' | 'embedding'>;
  /** Too long for a row that computes it in minutes. */
  readonly long?: boolean;
}

const { small, medium } = MODEL_CONFIGS;

type Tensors = Map<string, SafetensorsTensor & { data: Float32Array }>;

/** Upstream's test weights with some of them changed. */
function changed(config: ModelConfig, edit: (tensors: Tensors, config: ModelConfig) => void): Uint8Array {
  const tensors: Tensors = new Map(runnerWeights(v1Tensors(config), 7).map((tensor) => [tensor.name, tensor]));
  edit(tensors, config);
  return encodeSafetensors([...tensors.values()]);
}

const bytes = (length: number): Uint8Array => dataOf({ gen: 'bytes_mixed', length });

/** A length given in chunks and bytes, under the small model. */
function edge(column: string, lengthOf: (tokens: number) => number, more: Partial<ScoringCase> = {}): ScoringCase {
  return {
    column,
    title: `${column} bytes`,
    make: (tokens) => {
      const config = { ...small, sequenceLength: tokens };
      return { config, weights: () => generateWeightsBytes(config, 5n), data: bytes(lengthOf(tokens)) };
    },
    ...more,
  };
}

/** Weights that are wrong or hostile, under the small model. */
function hostile(
  column: string,
  title: string,
  edit: (tensors: Tensors, config: ModelConfig) => void,
  more: Partial<ScoringCase> = {},
): ScoringCase {
  return {
    column,
    title,
    make: (tokens) => {
      const config = { ...small, sequenceLength: tokens };
      return { config, weights: () => changed(config, edit), data: bytes(Math.min(tokens, 100)) };
    },
    ...more,
  };
}

const stored = vectors<{ loss: number; embedding: number[] }>('reference-1mib');

/** Upstream's shapes and the network's small model, with values computed in f64. */
export const GOLDEN_CASES: readonly ScoringCase[] = RUNNER_GOLDENS.cases.map((golden, i) => ({
  column: `g${i + 1}`,
  title: golden.name,
  tokens: golden.runner.max_seq_len,
  seed: BigInt(golden.seed),
  make: () => ({
    config: configOf(golden),
    weights: () => runnerFile(configOf(golden), golden.weights_seed),
    data: dataOf(golden.data),
  }),
}));

/** A model large enough that kernels show their shape, and lengths around chunks and batches up to the largest. */
export const LENGTH_CASES: readonly ScoringCase[] = [
  {
    column: 'medium',
    title: 'a medium model',
    make: (tokens) => {
      const config = { ...medium, sequenceLength: tokens };
      return { config, weights: () => generateWeightsBytes(config, 3n), data: bytes(Math.round(0.7 * tokens)) };
    },
  },
  edge('1', () => 1),
  edge('T-1', (tokens) => tokens - 1),
  edge('T', (tokens) => tokens),
  edge('T+1', (tokens) => tokens + 1),
  edge('16T+1', (tokens) => 16 * tokens + 1),
  edge('1 MiB', () => 2 ** 20, {
    tokens: 1024,
    title: 'the most data a submission holds',
    long: true,
    make: () => ({ config: MEBIBYTE_CONFIG, weights: mebibyteWeights, data: wordBytes(2 ** 20, 3) }),
    stored: { loss: stored.loss, embedding: Float32Array.from(stored.embedding) },
  }),
  edge('seed max', () => 9, { title: 'the last seed', seed: (1n << 64n) - 1n }),
];

/** Weights that are not finite, or make numbers that hardly are. */
export const HOSTILE_CASES: readonly ScoringCase[] = [
  hostile('NaN norm', 'NaN in one feature', (t) => {
    t.get('final_norm.gamma')!.data[3] = Number.NaN;
  }),
  hostile('NaN layer', 'NaN inside a layer', (t) => {
    t.get('encoder.layers.1.pwff.linear_inner.weight')!.data[5] = Number.NaN;
  }),
  hostile('Inf layer', 'infinity inside a layer', (t) => {
    t.get('encoder.layers.1.pwff.linear_inner.weight')!.data[5] = Number.POSITIVE_INFINITY;
  }),
  hostile('NaN used', 'NaN in a token that occurs', (t, config) => {
    t.get('embedding.weight')!.data[16 * bytes(100)[Math.min(config.sequenceLength, 100) >> 1]!] = Number.NaN;
  }),
  hostile('NaN unused', 'NaN in a token that does not occur', (t) => {
    t.get('embedding.weight')!.data[16 * 260] = Number.NaN;
  }),
  hostile('+Inf logit', 'an infinite logit', (t) => {
    t.get('predictor.bias')!.data[5] = Number.POSITIVE_INFINITY;
  }),
  hostile('-Inf logit', 'an impossible class', (t) => {
    t.get('predictor.bias')!.data[263] = Number.NEGATIVE_INFINITY;
  }),
  hostile('x 1e25', 'activations whose squares overflow f32', (t) => {
    const { data } = t.get('embedding.weight')!;
    for (let i = 0; i < data.length; i++) data[i]! *= 1e25;
  }),
  hostile('huge', 'layers whose output is huge', (t) => {
    for (const [name, { data }] of t) {
      if (name.endsWith('linear_outer.weight')) for (let i = 0; i < data.length; i++) data[i]! *= 1e6;
    }
  }),
  hostile(
    '4096 + x',
    'large activations with little variance',
    (t) => {
      const { data } = t.get('embedding.weight')!;
      for (let i = 0; i < data.length; i++) data[i] = 4096 + Math.round(data[i]! * 8);
    },
    // One ulp of 4096 is 5e-4 of the variance.
    { tolerance: 1e-3 },
  ),
  hostile(
    'masked',
    // Scores far below the mask's -10000: early rows see only later positions, as in the network.
    'scores below the mask',
    (t) => {
      for (const [name, tensor] of t) {
        if (name.endsWith('query.weight') || name.endsWith('key.weight')) tensor.data.fill(0);
        if (name.endsWith('query.bias')) tensor.data.fill(122);
        if (name.endsWith('key.bias')) tensor.data.fill(-122);
      }
    },
    // Scores of 3e4 carry a rounding of 2e-3, and so do the weights made of them.
    { tolerance: 1e-3 },
  ),
];
