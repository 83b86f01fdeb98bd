import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { loadAddon } from '../../src/engine/native/index.js';
import { vectors } from '../engine/vectors.js';

const core = loadAddon();
const golden = vectors<{
  normal: {
    seed: string;
    mean: number;
    std: number;
    first_16: string[];
    elements_4080_to_4095: string[];
    sha256_of_first_4096_le_f32: string;
  }[];
  noise_sha256: { seed: string; shape: number[]; sha256_le_f32: string }[];
  normal_seed_0_slow_paths: { index: number; path: string; value: string }[];
}>('soma-derived/rng-bits');

function draws(seed: string, count: number): Float32Array {
  const out = new Float32Array(count);
  core.normalDraws(BigInt(seed), out);
  return out;
}
const sha256 = (data: Float32Array): string => createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex');
const hex = (data: Float32Array): string[] =>
  [...new Uint32Array(data.slice().buffer)].map((bits) => bits.toString(16).padStart(8, '0'));

test.each(golden.normal)('normal draws of seed $seed, bit for bit', (entry) => {
  // Each step rounded to f32, as the generator defines it.
  const data = draws(entry.seed, 4096).map((z) => Math.fround(entry.mean) + Math.fround(Math.fround(entry.std) * z));
  expect(hex(data.subarray(0, 16))).toEqual(entry.first_16);
  expect(hex(data.subarray(4080))).toEqual(entry.elements_4080_to_4095);
  expect(sha256(data)).toBe(entry.sha256_of_first_4096_le_f32);
});

test.each(golden.noise_sha256)('noise matrix of seed $seed, shape $shape', ({ seed, shape, sha256_le_f32 }) => {
  expect(
    sha256(
      draws(
        seed,
        shape.reduce((a, b) => a * b, 1),
      ),
    ),
  ).toBe(sha256_le_f32);
});

test('draws that leave the fast path', () => {
  const last = Math.max(...golden.normal_seed_0_slow_paths.map(({ index }) => index));
  const bits = hex(draws('0', last + 1));
  for (const { index, value } of golden.normal_seed_0_slow_paths) expect(bits[index]).toBe(value);
});
