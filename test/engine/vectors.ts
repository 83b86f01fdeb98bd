import { readFileSync } from 'node:fs';
import { normalArray, uniformArray } from '../../src/random/arrgen.js';

/** How a golden file describes an array: by its generator, not by its values. */
export interface ArraySpec {
  readonly gen: 'normal' | 'uniform' | 'constant' | 'literal_int';
  readonly shape: readonly number[];
  readonly seed?: number;
  readonly mean?: number;
  readonly std?: number;
  readonly min?: number;
  readonly max?: number;
  readonly value?: unknown;
}

export interface DataSpec {
  readonly gen: 'bytes_mod256' | 'bytes_mixed' | 'constant_bytes';
  readonly length: number;
  readonly start?: number;
  readonly value?: number;
}

/** A golden file of test/vectors; the caller names its shape. */
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

export function arrayOf(spec: ArraySpec, seedOffset = 0): Float32Array {
  const length = spec.shape.reduce((a, b) => a * b, 1);
  const seed = BigInt((spec.seed ?? 0) + seedOffset);
  switch (spec.gen) {
    case 'normal':
      return normalArray(seed, length, spec.mean, spec.std);
    case 'uniform':
      return uniformArray(seed, length, spec.min!, spec.max!);
    case 'constant':
      return new Float32Array(length).fill(spec.value as number);
    case 'literal_int':
      return Float32Array.from(flat(spec.value));
  }
}

export function flat(value: unknown): number[] {
  return Array.isArray(value) ? value.flatMap(flat) : [value as number];
}

export function dataOf(spec: DataSpec): Uint8Array {
  return Uint8Array.from({ length: spec.length }, (_, i) => {
    switch (spec.gen) {
      case 'bytes_mod256':
        return (spec.start! + i) % 256;
      case 'bytes_mixed':
        return (i * 31 + 7 + Math.floor(i / 256) * 13) % 256;
      case 'constant_bytes':
        return spec.value!;
    }
  });
}

/** The weights of upstream's model runner test: seed offsets per tensor, plus the layer number in layer tensors. */
export function runnerWeights(
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
  seed: number,
): { name: string; shape: readonly number[]; data: Float32Array }[] {
  const offsets = [
    ...['norm_1.gamma', 'norm_1.beta'],
    ...['query', 'key', 'value', 'output'].flatMap((n) => [`attention.${n}.weight`, `attention.${n}.bias`]),
    ...['norm_2.gamma', 'norm_2.beta'],
    ...['linear_inner', 'linear_outer'].flatMap((n) => [`pwff.${n}.weight`, `pwff.${n}.bias`]),
  ];
  const fixed: Record<string, number> = {
    'final_norm.gamma': 100,
    'final_norm.beta': 200,
    'embedding.weight': 250,
    'predictor.weight': 300,
    'predictor.bias': 400,
  };
  return tensors.map(({ name, shape }) => {
    const match = /^encoder\.layers\.(\d+)\.(.*)$/.exec(name);
    const offset = match === null ? fixed[name]! : offsets.indexOf(match[2]!) + 1 + Number(match[1]);
    return {
      name,
      shape,
      data: normalArray(
        BigInt(seed + offset),
        shape.reduce((a, b) => a * b, 1),
      ),
    };
  });
}

/** The largest amount by which `got` leaves `absolute + relative * |expected|`; zero or less is a pass. */
export function excess(
  got: ArrayLike<number>,
  expected: readonly number[],
  absolute: number,
  relative: number,
): number {
  if (got.length !== expected.length) return Infinity;
  let worst = -Infinity;
  for (const [i, want] of expected.entries()) {
    const over = Math.abs(got[i]! - want) - absolute - relative * Math.abs(want);
    // NaN must not pass.
    worst = Number.isNaN(over) ? Infinity : Math.max(worst, over);
  }
  return worst;
}
