import type { GraphBuilder } from './graph-builder.js';
import type { SineMethod } from './sine.js';

/** Adds a weight to the graph by its key and returns the name of its value. */
export type WeightSource = (graph: GraphBuilder, name: string) => string;

/** What a graph is made of besides the model's shape. */
export interface V1GraphParts {
  /** Weights in f32. */
  readonly weight: WeightSource;
  /** The layers' matrices in f16. Present: their products are in f16, everything else stays in f32. */
  readonly half?: WeightSource | undefined;
  /**
   * Rounds to f16 and multiplies in f32, for a provider without f16 products. The runtime would do so by itself, but
   * leaves the rounding out.
   */
  readonly emulateHalf?: boolean | undefined;
  readonly sine: SineMethod;
}

/** What a run is given, by input name. `[chunks, T]` unless said otherwise. */
export const V1_INPUTS = {
  tokens: 'tokens',
  targets: 'targets',
  /** f32 `[chunks, T, 1, D / 2]`, from the reference's table: f32 rounding of the angle is part of the result. */
  cos: 'cos',
  sin: 'sin',
  /** f32 `[E, 256]`, columns of unit length. */
  projection: 'projection',
} as const;
