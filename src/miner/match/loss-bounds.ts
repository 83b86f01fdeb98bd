import type { LossErrorBound } from '../../store/index.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';

/** The part of the catalogue that matching uses. */
export type MatchModels = Pick<ModelCatalogue, 'active' | 'get' | 'keysOf' | 'loaded'>;

/** f32 implementations of a model differ by this much in the loss, so that a smaller lead decides nothing. */
export const F32_LOSS_NOISE = 1e-5;
/** Floor for measured bounds: bf16 has 8 significant bits, so a smaller bound is luck. */
const LEAST_LOW_PRECISION_BOUND = 2e-3;

/**
 * Error bounds of losses. For low precision, the largest bound measured for an active model. While some model's bound
 * is unknown it is infinite: rows may come from an earlier run with another engine, so that every lead is a near-tie.
 */
export function lossBounds(models: MatchModels): LossErrorBound {
  const bounds = models.active.map((model) => models.loaded(model)?.errorBound.loss ?? 0);
  const known = !bounds.some((loss) => loss === 0);
  const low = known ? Math.max(LEAST_LOW_PRECISION_BOUND, ...bounds) : Number.POSITIVE_INFINITY;
  return { f32: F32_LOSS_NOISE, low };
}
