import type { LoadedModel } from '../engine/contract.js';

/** A model with a backward pass. */
export interface GradientModel {
  readonly byteGradient: NonNullable<LoadedModel['byteGradient']>;
  readonly mixtureGradient: NonNullable<LoadedModel['mixtureGradient']>;
}

/** Whether searches can follow a model's gradients: some engines have no backward pass. */
export function hasGradients<M extends LoadedModel>(model: M): model is M & GradientModel {
  return model.byteGradient !== undefined && model.mixtureGradient !== undefined;
}
