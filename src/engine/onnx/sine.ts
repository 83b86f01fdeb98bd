import type { GraphBuilder } from './graph-builder.js';

/** Adds the sine and cosine of a tensor of angles to a graph. */
export type SineMethod = (g: GraphBuilder, angle: string) => { readonly sin: string; readonly cos: string };

/** The runtime's own operators, which are accurate on CPU and CUDA. */
export const operatorSine: SineMethod = (g, angle) => ({ sin: g.op('Sin', [angle]), cos: g.op('Cos', [angle]) });

/** 2 pi in two parts: multiples of the first, up to 2^16, are exact in f32. */
const TURN = { high: 6.28125, low: 2 * Math.PI - 6.28125 } as const;

/** Taylor coefficients in the square of the angle; within pi / 4 the next terms are below 3e-8. */
const SINE = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362_880] as const;
const COSINE = [1, -1 / 2, 1 / 24, -1 / 720, 1 / 40_320] as const;

/**
 * Polynomials, for shading languages, which guarantee sine and cosine only to 2^-11 (Vulkan, "Precision and Operation
 * of SPIR-V Instructions"): that would affect the fourth digit of the loss. Reduces the angle to half a turn, divides
 * it by four and applies the double-angle formulas twice.
 */
export const polynomialSine: SineMethod = (g, angle) => {
  const times = (a: string, b: string): string => g.op('Mul', [a, b]);
  let reduced = angle;
  // The second pass removes what rounding leaves of an angle of many turns.
  for (let i = 0; i < 2; i++) {
    const turns = g.op('Floor', [g.op('Add', [times(reduced, g.scalar(1 / (2 * Math.PI))), g.scalar(0.5)])]);
    reduced = g.op('Sub', [reduced, times(turns, g.scalar(TURN.high))]);
    reduced = g.op('Sub', [reduced, times(turns, g.scalar(TURN.low))]);
  }
  const quarter = times(reduced, g.scalar(0.25));
  const square = times(quarter, quarter);
  const polynomial = (coefficients: readonly number[]): string =>
    coefficients
      .slice(0, -1)
      .reduceRight(
        (sum, coefficient) => g.op('Add', [times(sum, square), g.scalar(coefficient)]),
        g.scalar(coefficients.at(-1) ?? 0),
      );
  let sin = times(quarter, polynomial(SINE));
  let cos = polynomial(COSINE);
  for (let i = 0; i < 2; i++) {
    const twice = times(sin, g.scalar(2));
    const doubled = times(twice, cos);
    cos = g.op('Sub', [g.scalar(1), times(twice, sin)]);
    sin = doubled;
  }
  return { sin, cos };
};
