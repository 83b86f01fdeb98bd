import { describe, expect, test } from 'vitest';
import { JS_PRODUCTS } from '../../src/engine/js/products.js';
import { sigRegSum as fastSigRegSum } from '../../src/engine/js/sig-reg.js';
import { cosineDistance, selectBest, withinAuditTolerance } from '../../src/engine/reference/competition.js';
import { batchesOf, chunkAt, chunkCount } from '../../src/engine/reference/data-contract.js';
import { encodeLayer, feedForward, type LayerWeights, REFERENCE_PRODUCTS } from '../../src/engine/reference/encoder.js';
import { layerNorm } from '../../src/engine/reference/layer-norm.js';
import type { LinearWeights } from '../../src/engine/reference/linear.js';
import { applyRope, ropeTable, ropeTimescales } from '../../src/engine/reference/rope.js';
import { RunningMean } from '../../src/engine/reference/running-mean.js';
import { projectionFromNoise, sigRegSum } from '../../src/engine/reference/sig-reg.js';
import { embed, encode } from '../../src/engine/reference/v1-model.js';
import { type ArraySpec, arrayOf, type DataSpec, dataOf, excess, flat, vectors } from './vectors.js';

// Tighter than upstream's own 0.5 %, which lets a tanh GELU and a wrong epsilon pass.
const ABSOLUTE = 4e-6;
const RELATIVE = 2e-6;

type Weights = Record<string, ArraySpec>;

interface Case {
  test: string;
  inputs: Record<string, ArraySpec> & { weights?: Weights };
  expected: unknown;
  expected_shape: number[];
  num_heads?: number;
  head_dim?: number;
  config?: { num_layers: number; num_heads: number };
  t_max?: number;
  points?: number;
  slices?: number;
}

function casesOf(file: string): Case[] {
  return vectors<{ cases: Case[] }>(file).cases;
}

function check(golden: Case, got: ArrayLike<number>): void {
  expect(got).toHaveLength(golden.expected_shape.reduce((a, b) => a * b, 1));
  expect(excess(got, flat(golden.expected), ABSOLUTE, RELATIVE)).toBeLessThanOrEqual(0);
}

function affine(weights: Weights, prefix: string): LinearWeights {
  return { weight: arrayOf(weights[`${prefix}.weight`]!), bias: arrayOf(weights[`${prefix}.bias`]!) };
}

function norm(weights: Weights, prefix: string) {
  return { gamma: arrayOf(weights[`${prefix}.gamma`]!), beta: arrayOf(weights[`${prefix}.beta`]!) };
}

function attentionWeights(weights: Weights, prefix: string) {
  return {
    query: affine(weights, `${prefix}query`),
    key: affine(weights, `${prefix}key`),
    value: affine(weights, `${prefix}value`),
    output: affine(weights, `${prefix}output`),
  };
}

function layerWeights(weights: Weights, prefix: string): LayerWeights {
  return {
    norm1: norm(weights, `${prefix}.norm_1`),
    attention: attentionWeights(weights, `${prefix}.attention.`),
    norm2: norm(weights, `${prefix}.norm_2`),
    feedForward: {
      inner: affine(weights, `${prefix}.pwff.linear_inner`),
      outer: affine(weights, `${prefix}.pwff.linear_outer`),
    },
  };
}

/** Runs `work` on every `[T, …]` slice of a `[B, T, …]` array and joins the results. */
function perBatch(
  x: Float32Array,
  positions: Float32Array,
  batches: number,
  work: (x: Float32Array, positions: Float32Array) => Float32Array,
): number[] {
  return Array.from({ length: batches }, (_, b) => {
    const slice = (array: Float32Array) =>
      array.slice((b * array.length) / batches, ((b + 1) * array.length) / batches);
    return [...work(slice(x), slice(positions))];
  }).flat();
}

describe.each([
  ['reference', REFERENCE_PRODUCTS, sigRegSum],
  ['js', JS_PRODUCTS, fastSigRegSum],
])('layers of the %s engine', (_, products, sigRegSum) => {
  const { attention, linear } = products;
  test.each(casesOf('soma-layer-norm'))('$test', (golden) => {
    const { x, gamma, beta } = golden.inputs;
    check(golden, layerNorm(arrayOf(x!), { gamma: arrayOf(gamma!), beta: arrayOf(beta!) }));
  });
  test.each(casesOf('soma-linear'))('$test', (golden) => {
    const { x, weight, bias } = golden.inputs;
    check(golden, linear(arrayOf(x!), { weight: arrayOf(weight!), bias: arrayOf(bias!) }));
  });
  test.each(casesOf('soma-embedding'))('$test', (golden) => {
    const { weight, tokens } = golden.inputs;
    check(golden, embed(arrayOf(weight!), arrayOf(tokens!), weight!.shape[1]!));
  });
  test.each(casesOf('soma-attention'))('$test', (golden) => {
    const { weights } = golden.inputs;
    const x = arrayOf(golden.inputs['x']!);
    const positions = arrayOf(golden.inputs['positions']!);
    const batches = golden.expected_shape[0]!;
    const got = perBatch(x, positions, batches, (part, pos) => {
      const rope = ropeTable(pos, golden.head_dim!);
      if (weights !== undefined) return attention(part, attentionWeights(weights, ''), rope, golden.num_heads!);
      applyRope(part, rope, golden.head_dim!);
      return part;
    });
    check(golden, got);
  });
  test.each(casesOf('soma-pwff'))('$test', (golden) => {
    const weights = golden.inputs.weights!;
    const inner = affine(weights, 'linear_inner');
    const outer = affine(weights, 'linear_outer');
    check(golden, feedForward(arrayOf(golden.inputs['x']!), { inner, outer }, products));
  });
  test.each(casesOf('soma-encoder'))('$test', (golden) => {
    const weights = golden.inputs.weights!;
    const { num_layers, num_heads } = golden.config!;
    const got = perBatch(
      arrayOf(golden.inputs['x']!),
      arrayOf(golden.inputs['positions']!),
      golden.expected_shape[0]!,
      (x, positions) => {
        const rope = ropeTable(positions, golden.expected_shape[2]! / num_heads);
        for (let l = 0; l < num_layers; l++)
          encodeLayer(x, layerWeights(weights, `layers.${l}`), rope, num_heads, products);
        return x;
      },
    );
    check(golden, got);
  });
  test.each(casesOf('soma-model'))('$test', (golden) => {
    const weights = golden.inputs.weights!;
    const { num_layers, num_heads } = golden.config!;
    const predictor = affine(weights, 'predictor');
    const model = {
      embedding: arrayOf(weights['embedding.weight']!),
      layers: Array.from({ length: num_layers }, (_, l) => layerWeights(weights, `encoder.layers.${l}`)),
      finalNorm: norm(weights, 'final_norm'),
      predictor,
    };
    const tokens = arrayOf(golden.inputs['tokens']!);
    const r = encode(model, tokens, arrayOf(golden.inputs['positions']!), num_heads, products);
    check(golden, golden.test === 'test_v1_predict' ? linear(r, predictor) : r);
  });
  test.each(casesOf('soma-sig-reg'))('$test', (golden) => {
    const shape = { tMax: golden.t_max!, points: golden.points!, slices: golden.slices! };
    const [batch, length] = golden.inputs['x']!.shape as [number, number, number];
    const projection = projectionFromNoise(arrayOf(golden.inputs['noise']!), shape.slices);
    check(golden, [sigRegSum(arrayOf(golden.inputs['x']!), projection, shape) / (batch * length)]);
  });
  test('RoPE timescales at head width 256', () => {
    const { bits } = vectors<{ bits: string[] }>('soma-derived/rope-timescale-256');
    const got = [...new Uint32Array(ropeTimescales(256).buffer)].map((word) => word.toString(16).padStart(8, '0'));
    expect(got).toEqual(bits);
  });
});

describe('data contract', () => {
  interface DataCase {
    test: string;
    seq_len: number;
    batch_size?: number;
    byte_length_to_chunk_count?: [number, number][];
    data?: DataSpec;
    chunks?: { index: number; token_ids: number[]; pos_ids: number[]; targets?: number[] }[];
    batch?: { shape: number[]; token_ids: number[]; pos_ids: number[]; targets: number[] };
    batch_shapes?: [number, number][];
  }
  test.each(vectors<{ cases: DataCase[] }>('soma-data-contract').cases)('$test', (golden) => {
    const length = golden.seq_len;
    let checked = 0;
    for (const [bytes, count] of golden.byte_length_to_chunk_count ?? []) {
      expect(chunkCount(bytes, length)).toBe(count);
      checked++;
    }
    if (golden.data !== undefined) {
      const data = dataOf(golden.data);
      if (golden.chunks?.length === 0) expect(chunkCount(data.length, length)).toBe(0);
      for (const { index, token_ids, pos_ids, targets } of golden.chunks ?? []) {
        const chunk = chunkAt(data, index, length);
        expect([...chunk.tokens]).toEqual(token_ids);
        expect([...chunk.positions]).toEqual(pos_ids);
        if (targets !== undefined) expect([...chunk.targets]).toEqual(targets);
      }
      if (golden.batch !== undefined) {
        const chunks = Array.from({ length: golden.batch.shape[0]! }, (_, i) => chunkAt(data, i, length));
        expect(chunkCount(data.length, length)).toBe(chunks.length);
        expect(chunks.flatMap((c) => [...c.tokens])).toEqual(golden.batch.token_ids);
        expect(chunks.flatMap((c) => [...c.positions])).toEqual(golden.batch.pos_ids);
        expect(chunks.flatMap((c) => [...c.targets])).toEqual(golden.batch.targets);
      }
      if (golden.batch_shapes !== undefined) {
        const config = { sequenceLength: length, batchSize: golden.batch_size! };
        const batches = batchesOf(data.length, config);
        expect(batches.map((batch) => [batch.length, length])).toEqual(golden.batch_shapes);
      }
      checked++;
    }
    expect(checked).toBeGreaterThan(0);
  });
});

describe('competition', () => {
  test.each(
    vectors<{ cases: { test: string; losses: number[]; expected_index: number | null }[] }>('soma-select-best').cases,
  )('$test', ({ losses, expected_index }) => {
    expect(selectBest(losses)).toBe(expected_index ?? undefined);
  });
  test('NaN wins at index 0 only, ties go to the lower index, minus infinity wins', () => {
    expect(selectBest([Number.NaN, 1])).toBe(0);
    expect(selectBest([2, Number.NaN, 1])).toBe(2);
    expect(selectBest([1, Number.NaN])).toBe(0);
    expect(selectBest([3, 1, 1])).toBe(1);
    expect(selectBest([3, -Infinity, 1])).toBe(1);
  });

  interface DistanceCase {
    test: string;
    a: number[];
    b: number[];
    expected: number | 'NaN';
    absolute?: number;
  }
  test.each(vectors<{ cases: DistanceCase[] }>('soma-cosine-distance').cases)(
    '$test',
    ({ a, b, expected, absolute }) => {
      const got = cosineDistance(Float32Array.from(a), Float32Array.from(b));
      if (expected === 'NaN') expect(got).toBeNaN();
      else expect(Math.abs(got - expected)).toBeLessThanOrEqual(absolute!);
    },
  );
  test('an infinite vector has no distance', () => {
    expect(cosineDistance(Float32Array.of(Infinity, 1), Float32Array.of(1, 1))).toBeNaN();
  });

  interface ToleranceCase {
    test: string;
    computed: [number];
    claimed: [number];
    within: boolean;
  }
  test.each(vectors<{ cases: ToleranceCase[] }>('soma-audit-tolerance').cases)(
    '$test',
    ({ computed, claimed, within }) => {
      expect(withinAuditTolerance(computed[0], claimed[0])).toBe(within);
    },
  );
  test('tolerance: relative above magnitude one, and values that are not finite', () => {
    expect(withinAuditTolerance(3, 3.029)).toBe(true);
    expect(withinAuditTolerance(3, 3.031)).toBe(false);
    expect(withinAuditTolerance(Number.NaN, Number.NaN)).toBe(true);
    expect(withinAuditTolerance(Number.NaN, 1)).toBe(false);
    expect(withinAuditTolerance(Infinity, Infinity)).toBe(true);
    expect(withinAuditTolerance(Infinity, -Infinity)).toBe(false);
    expect(withinAuditTolerance(Infinity, 1)).toBe(false);
  });

  interface MeanCase {
    test: string;
    adds: number[][];
    expected: number[] | null;
    exact?: boolean;
    absolute?: number;
  }
  test.each(vectors<{ cases: MeanCase[] }>('soma-running-mean').cases)(
    '$test',
    ({ adds, expected, exact, absolute }) => {
      const mean = new RunningMean();
      for (const values of adds) mean.add(values);
      if (expected === null) expect(mean.value).toBeUndefined();
      else expect(excess(mean.value!, expected, exact ? 0 : absolute!, 0)).toBeLessThanOrEqual(0);
    },
  );
});
