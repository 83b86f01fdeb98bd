import type { GraphBuilder } from './graph-builder.js';
import type { SineMethod } from './sine.js';

/** Adds a weight to the graph by its key and returns its value's name. */
export type WeightSource = (graph: GraphBuilder, name: string) => string;

/** Parts of a graph besides the model's shape. */
export interface V1GraphParts {
  /** Weights in f32. */
  readonly weight: WeightSource;
  /** The layers' matrices in f16. If present, their products are f16 and everything else stays f32. */
  readonly half?: WeightSource | undefined;
  /**
   * Rounds to f16 and multiplies in f32, for providers without f16 products. The runtime's own fallback skips the
   * rounding.
   */
  readonly emulateHalf?: boolean | undefined;
  readonly sine: SineMethod;
}

/** Inputs of a run, `[chunks, T]` unless noted. */
export const V1_INPUTS = {
  tokens: 'tokens',
  targets: 'targets',
  /** f32 `[chunks, T, 1, D / 2]`, from the reference's table: the f32 rounding of the angle is part of the result. */
  cos: 'cos',
  sin: 'sin',
  /** f32 `[E, 256]`, columns of unit length. */
  projection: 'projection',
} as const;
