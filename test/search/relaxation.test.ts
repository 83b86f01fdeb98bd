import { describe, expect, test } from 'vitest';
import { drawsOf } from '../../src/search/draw.js';
import { Relaxation } from '../../src/search/relaxation.js';

const POSITIONS = 6;
const STEPS = 40;

/** A gradient that favours one byte at each position. */
function favouring(byteAt: (position: number) => number): Float32Array {
  const gradient = new Float32Array(POSITIONS * 256);
  for (let i = 0; i < POSITIONS; i++) gradient[i * 256 + byteAt(i)] = 1;
  return gradient;
}

async function climbed(byteAt: (position: number) => number, seed = 1n): Promise<Relaxation> {
  const relaxation = new Relaxation(POSITIONS, STEPS, drawsOf(seed));
  while (!relaxation.isOver) await relaxation.climb(favouring(byteAt));
  return relaxation;
}

describe('a relaxed chunk', () => {
  test('is a distribution over bytes at every position, warm at first', () => {
    const { mixture } = new Relaxation(POSITIONS, STEPS, drawsOf(3n));
    expect(mixture).toHaveLength(POSITIONS * 256);
    for (let i = 0; i < POSITIONS; i++) {
      const row = mixture.subarray(i * 256, (i + 1) * 256);
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(Math.max(...row)).toBeLessThan(0.02);
    }
  });

  test('settles on the bytes that the gradients favour', async () => {
    const relaxation = await climbed((i) => 7 * i);
    expect([...relaxation.bytes()]).toEqual([0, 7, 14, 21, 28, 35]);
    for (let i = 0; i < POSITIONS; i++) expect(relaxation.mixture[i * 256 + 7 * i]).toBeGreaterThan(0.99);
  });

  test('lets other work run in the midst of a step', async () => {
    const relaxation = new Relaxation(200, STEPS, drawsOf(1n));
    let others = 0;
    setImmediate(() => others++);
    await relaxation.climb(new Float32Array(200 * 256));
    expect(others).toBe(1);
  });

  test('stays where it is without a gradient, and depends on its seed', async () => {
    const relaxation = new Relaxation(POSITIONS, STEPS, drawsOf(1n));
    const before = relaxation.bytes();
    while (!relaxation.isOver) await relaxation.climb(new Float32Array(POSITIONS * 256));
    expect(relaxation.bytes()).toEqual(before);
    expect(new Relaxation(POSITIONS, STEPS, drawsOf(2n)).bytes()).not.toEqual(before);
  });
});
