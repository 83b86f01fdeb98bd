import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { normalArray, uniformArray } from '../../src/random/arrgen.js';
import { ChaCha12, keyFromSeed } from '../../src/random/chacha12.js';
import { ZIGGURAT_NORMAL_F, ZIGGURAT_NORMAL_R, ZIGGURAT_NORMAL_X } from '../../src/random/ziggurat-tables.js';
import { type ArraySpec, arrayOf, excess, flat, vectors } from './vectors.js';

interface RngBits {
  stdrng_from_seed: { seed_bytes_as_8_le_u32: number[]; first_u64: string; second_u64: string };
  seed_from_u64: { seed: string; key_words_hex: string[] }[];
  first_words: { seed: string; first_20_u32_hex: string[] }[];
  normal: {
    seed: string;
    mean: number;
    std: number;
    first_16: string[];
    elements_4080_to_4095: string[];
    sha256_of_first_4096_le_f32: string;
  }[];
  uniform: { seed: string; min: number; max: number; first_16: string[]; sha256_of_first_4096_le_f32: string }[];
  noise_sha256: { seed: string; shape: number[]; sha256_le_f32: string; last_4: string[] }[];
  normal_seed_0_slow_paths: { index: number; path: string; value: string }[];
}

const bits = vectors<RngBits>('soma-derived/rng-bits');

function hex(values: Float32Array | Uint32Array): string[] {
  return [...new Uint32Array(values.slice().buffer)].map((word) => word.toString(16).padStart(8, '0'));
}

function sha256(values: Float32Array | Float64Array): string {
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
}

describe('ziggurat tables', () => {
  const table = vectors<Record<string, string>>('soma-derived/ziggurat-normal-tables');
  test('are the published constants, bit for bit', () => {
    expect(ZIGGURAT_NORMAL_X).toHaveLength(257);
    expect(sha256(Float64Array.from(ZIGGURAT_NORMAL_X))).toBe(table['sha256_of_X_as_little_endian_f64']);
    expect(sha256(Float64Array.from(ZIGGURAT_NORMAL_F))).toBe(table['sha256_of_F_as_little_endian_f64']);
    expect(ZIGGURAT_NORMAL_R).toBe(ZIGGURAT_NORMAL_X[1]);
  });
});

describe('ChaCha12', () => {
  test.each(bits.seed_from_u64)('key of seed $seed', ({ seed, key_words_hex }) => {
    expect(hex(keyFromSeed(BigInt(seed)))).toEqual(key_words_hex);
  });
  test.each(bits.first_words)('words of seed $seed', ({ seed, first_20_u32_hex }) => {
    const rng = ChaCha12.fromSeed(BigInt(seed));
    expect(hex(Uint32Array.from({ length: 20 }, () => rng.nextWord()))).toEqual(first_20_u32_hex);
  });
  test('the value-stability vector of rand', () => {
    const { seed_bytes_as_8_le_u32, first_u64, second_u64 } = bits.stdrng_from_seed;
    const u64 = (rng: ChaCha12) => BigInt(rng.nextWord()) + (BigInt(rng.nextWord()) << 32n);
    const first = new ChaCha12(Uint32Array.from(seed_bytes_as_8_le_u32));
    expect(u64(first).toString()).toBe(first_u64);
    const second = new ChaCha12(Uint32Array.from({ length: 8 }, () => first.nextWord()));
    expect(u64(second).toString()).toBe(second_u64);
  });
  test('seeds wrap at 2^64', () => {
    expect(keyFromSeed(1n << 64n)).toEqual(keyFromSeed(0n));
  });
});

describe('arrays', () => {
  test.each(bits.normal)('normal, seed $seed, mean $mean, std $std', (golden) => {
    const values = normalArray(BigInt(golden.seed), 4096, golden.mean, golden.std);
    expect(hex(values.subarray(0, 16))).toEqual(golden.first_16);
    expect(hex(values.subarray(4080))).toEqual(golden.elements_4080_to_4095);
    expect(sha256(values)).toBe(golden.sha256_of_first_4096_le_f32);
  });
  test.each(bits.uniform)('uniform, seed $seed, [$min, $max)', (golden) => {
    const values = uniformArray(BigInt(golden.seed), 4096, golden.min, golden.max);
    expect(hex(values.subarray(0, 16))).toEqual(golden.first_16);
    expect(sha256(values)).toBe(golden.sha256_of_first_4096_le_f32);
  });
  test.each(bits.noise_sha256)('noise of seed $seed, shape $shape', ({ seed, shape, sha256_le_f32, last_4 }) => {
    const values = normalArray(BigInt(seed), shape[0]! * shape[1]!);
    expect(sha256(values)).toBe(sha256_le_f32);
    expect(hex(values.subarray(values.length - 4))).toEqual(last_4);
  });
  test('the slow paths of seed 0', () => {
    const values = normalArray(0n, 8728);
    for (const { index, value } of bits.normal_seed_0_slow_paths) {
      expect(hex(values.subarray(index, index + 1))).toEqual([value]);
    }
  });
  const upstream = ['soma-arrgen', 'soma-param'].flatMap(
    (file) => vectors<{ cases: { test: string; inputs: Record<string, ArraySpec>; expected: unknown }[] }>(file).cases,
  );
  test.each(upstream)('upstream $test', ({ inputs, expected }) => {
    const got = arrayOf(Object.values(inputs)[0]!);
    expect(excess(got, flat(expected), 5e-8, 0)).toBeLessThanOrEqual(0);
  });
});
