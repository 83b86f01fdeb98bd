import { F32_LOSS_BOUND, LOW_PRECISION_LOSS_BOUND, type LossErrorBound } from '../../store/loss-error-bound.js';
import type { ModelCatalogue } from '../score/model-catalogue.js';

/** The part of the catalogue that matching uses. */
export type MatchModels = Pick<ModelCatalogue, 'active' | 'get' | 'keysOf' | 'loaded'>;

/**
 * Error bounds of losses. For low precision, the largest bound measured for an active model. While some model's bound
 * is unknown it is infinite: rows may come from an earlier run with another engine, so that every lead is a near-tie.
 */
export function lossBounds(models: MatchModels): LossErrorBound {
  const bounds = models.active.map((model) => models.loaded(model)?.errorBound.loss ?? 0);
  const known = !bounds.some((loss) => loss === 0);
  const low = known ? Math.max(LOW_PRECISION_LOSS_BOUND, ...bounds) : Number.POSITIVE_INFINITY;
  return { f32: F32_LOSS_BOUND, low };
}
