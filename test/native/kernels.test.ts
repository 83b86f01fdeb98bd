import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../src/engine/native/index.js';
import { erf } from '../../src/engine/reference/gelu.js';
import { normalArray } from '../../src/engine/reference/index.js';
import { type ArraySpec, arrayOf, excess, flat, vectors } from '../engine/vectors.js';
import { LEVELS } from './levels.js';

const core = loadAddon();

/** bf16, nearest with ties to even, by the definition. */
function roundToBf16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const low = bits[0]! & 0xffff;
  bits[0] = bits[0]! - low + (low > 0x8000 || (low === 0x8000 && ((bits[0]! >>> 16) & 1) === 1) ? 0x10000 : 0);
  return new Float32Array(bits.buffer)[0]!;
}

describe.each(LEVELS)('level %s', (isa) => {
  // One element; ragged in every direction; several tiles and panels; k beyond one slice, odd for bf16.
  const shapes = [
    [1, 1, 1],
    [13, 33, 7],
    [29, 65, 130],
    [100, 96, 64],
    [15, 40, 4101],
  ] as const;

  describe.each(['f32', 'bf16'] as const)('product in %s', (precision) => {
    test.each(shapes)('%i x %i x %i', (m, n, k) => {
      const a = normalArray(1n, m * k);
      const b = normalArray(2n, k * n);
      const c = new Float32Array(m * n).fill(Number.NaN);
      core.gemm(isa, precision, m, n, k, a, b, c);
      const [ra, rb] = precision === 'f32' ? [a, b] : [a.map(roundToBf16), b.map(roundToBf16)];
      let worst = 0;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let exact = 0;
          let size = 0;
          for (let p = 0; p < k; p++) {
            const term = ra[i * k + p]! * rb[p * n + j]!;
            exact += term;
            size += Math.abs(term);
          }
          const error = Math.abs(c[i * n + j]! - exact) / size;
          worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
        }
      }
      // The header's practical bound: sqrt(k) 2^-24, with room for the order of sums.
      expect(worst).toBeLessThanOrEqual(2 * Math.sqrt(k) * 2 ** -24);
    });
  });

  test('bf16 rounding: ties to even, infinities, NaN stays NaN', () => {
    const bits = Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x7f7fffff, 0x7f800000, 0xff800000, 0x80000001);
    const x = Float32Array.from([...new Float32Array(bits.buffer), ...normalArray(3n, 100)]);
    const y = new Uint16Array(x.length);
    core.toBf16(isa, x, y);
    expect([...y.slice(0, 7)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x7f80, 0x7f80, 0xff80, 0x8000]);
    for (const [i, half] of y.entries()) {
      expect(new Float32Array(Uint32Array.of(half << 16).buffer)[0]).toBe(roundToBf16(x[i]!));
    }
    const nan = new Uint16Array(33);
    core.toBf16(isa, new Float32Array(new Uint32Array(33).fill(0x7f800001).buffer), nan);
    expect([...nan].every((half) => (half & 0x7f80) === 0x7f80 && (half & 0x7f) !== 0)).toBe(true);
  });

  test('gelu is the exact form within 2e-7 |x|', () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 200);
    const y = new Float32Array(x.length);
    core.gelu(isa, x, y);
    for (const [i, value] of x.entries()) {
      const exact = (value / 2) * (1 + erf(value / Math.SQRT2));
      expect(Math.abs(y[i]! - exact)).toBeLessThanOrEqual(2e-7 * Math.abs(value) + 1e-12);
    }
    const special = new Float32Array(5);
    core.gelu(isa, Float32Array.of(Number.NaN, Infinity, -Infinity, 1e30, -1e30), special);
    expect([...special]).toEqual([Number.NaN, Infinity, Number.NaN, Math.fround(1e30), -0]);
  });

  test.each(
    vectors<{ cases: { test: string; inputs: Record<'x' | 'gamma' | 'beta', ArraySpec>; expected: unknown }[] }>(
      'soma-layer-norm',
    ).cases,
  )('layer norm: $test', ({ inputs, expected }) => {
    const x = arrayOf(inputs.x);
    const gamma = arrayOf(inputs.gamma);
    const y = new Float32Array(x.length);
    core.layerNorm(isa, x.length / gamma.length, x, gamma, arrayOf(inputs.beta), y);
    expect(excess(y, flat(expected), 4e-6, 2e-6)).toBeLessThanOrEqual(0);
  });

  test('layer norm reports NaN wherever it stands', () => {
    const x = normalArray(4n, 40 * 24);
    x[17 * 24 + 3] = Number.NaN;
    const ones = new Float32Array(24).fill(1);
    expect(core.layerNorm(isa, 40, x, ones, new Float32Array(24), new Float32Array(x.length))).toBeNaN();
  });

  test('SIGReg of a token, from small projections to ones beyond the fast range', () => {
    for (const scale of [0, 0.01, 1, 30, 1e4, 1e6]) {
      const p = normalArray(5n, 256).map((x) => x * scale);
      let exact = 0;
      for (let i = 0; i < 17; i++) {
        const t = 0.1875 * i;
        const phi = Math.exp((-t * t) / 2);
        const cosine = p.reduce((sum, x) => sum + Math.cos(t * x), 0) / 256;
        const sine = p.reduce((sum, x) => sum + Math.sin(t * x), 0) / 256;
        exact += ((cosine - phi) ** 2 + sine ** 2) * phi * (i === 0 || i === 16 ? 0.1875 : 0.375) * 256;
      }
      // Rounding of an argument of 2e5 to f32 alone is worth 0.01 rad.
      expect(Math.abs(core.sigReg(isa, p) - exact)).toBeLessThanOrEqual((scale > 100 ? 2e-2 : 1e-5) * exact + 1e-5);
    }
  });

  test('cross-entropy of a row', () => {
    for (const [length, scale] of [
      [264, 1],
      [264, 300],
      [259, 1],
      [7, 3],
    ] as const) {
      const logits = normalArray(6n, length).map((x) => x * scale);
      const top = Math.max(...logits);
      const exact = top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0)) - logits[5]!;
      expect(Math.abs(core.crossEntropy(isa, logits, 5) - exact)).toBeLessThanOrEqual(1e-6 + 1e-6 * exact);
    }
    expect(core.crossEntropy(isa, Float32Array.of(1, Number.NaN, 2), 0)).toBeNaN();
  });
});
